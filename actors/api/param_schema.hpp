// Params and their JSON Schemas (draft 4), checked by RapidJSON's validator. Pure: any thread.
#pragma once

#include "actors/api/json_value.hpp"

#include <optional>
#include <string>

namespace holdfast::api {

/// Why `v` breaks `schema`, in the words of the original's validator for type errors
/// ("(root): Invalid type. Expected: string, given: array"); nothing when it fits. A schema that is not an
/// object accepts everything.
[[nodiscard]] std::optional<std::string> schema_violation(const json::value& schema, const json::value& v);

/// Why `schema` cannot be used: not an object (null is fine), an unknown type word, a pattern that is no
/// pattern, a default that breaks it.
[[nodiscard]] std::optional<std::string> schema_defect(const json::value& schema);

} // namespace holdfast::api
