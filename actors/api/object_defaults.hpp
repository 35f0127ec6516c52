// Values the server gives a new object where the client gave none (contract §3.3). Pure.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/prefix_table.hpp"

namespace holdfast::api {

/// Fills a shaped object that is about to be created: a machine's uuid, secret, stage, bootenv and pool, a
/// user's secret, what a stage always is.
void fill_defaults(const prefix_desc& desc, json::value& object, json::allocator& memory,
                   const fresh_values& fresh, const msg::object_view& view);

/// What a replaced or patched object keeps of the stored one when the client left it empty (secrets).
void keep_secrets(const json::value& stored, json::value& object, json::allocator& memory);

/// Value of a pref, or `fallback`.
[[nodiscard]] std::string pref_value(const msg::object_view& view, std::string_view name,
                                     std::string_view fallback);

} // namespace holdfast::api
