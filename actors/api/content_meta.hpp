// The meta block of a content pack (contract §5.2) and the rules that follow from its name. Pure.
#pragma once

#include "actors/api/json_value.hpp"

#include <string>
#include <string_view>

namespace holdfast::api {

/// Gives `meta` its full form in place: every key, texts checked, Type, Writable and Overwritable set from
/// the name. Returns the reason for refusing, or nothing.
[[nodiscard]] std::optional<std::string> shape_content_meta(json::value& meta, json::allocator& memory);

/// How error texts call a layer: `<Type>-<Name>`.
[[nodiscard]] std::string layer_label(const json::value& meta);

/// True for the packs whose objects others may cover.
[[nodiscard]] bool is_overwritable(std::string_view content_name);

/// True when `version` meets one requirement (">=1.0", "<2.0.0", "=1.2", "1.2"; several separated by blanks).
/// Versions compare number by number; a leading v and all text after the first hyphen are ignored.
[[nodiscard]] bool version_meets(std::string_view version, std::string_view requirement);

} // namespace holdfast::api
