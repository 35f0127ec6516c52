// Gives a decoded object the exact form of its prefix: every field present with its empty value, unknown
// fields dropped, types checked, times and uuids in normal form, server-owned fields emptied (contract §3.2,
// §3.3). Pure: any thread.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"

#include <optional>
#include <string>

namespace holdfast::api {

/// Fields that only the server writes; what shape_object() found in them is given back on request.
struct server_fields {
  bool validated = true;
  bool available = true;
  bool read_only = false;
  bool partial = false;
  std::vector<std::string> errors;
  std::string endpoint;
  std::string bundle;
};

/// Replaces `object` by its full form; values move, so `object` and the result share `memory`. On failure the
/// decoder-like reason is returned and `object` is unspecified.
[[nodiscard]] std::optional<std::string> shape_object(const prefix_desc& desc, json::value& object,
                                                      json::allocator& memory);

/// Writes the server-owned fields of the groups this prefix has.
void put_server_fields(const prefix_desc& desc, json::value& object, const server_fields& fields,
                       json::allocator& memory);
/// Reads them from a stored object.
[[nodiscard]] server_fields get_server_fields(const json::value& object);

/// The key of a full object, in stored form ("" when it has none).
[[nodiscard]] std::string key_of(const prefix_desc& desc, const json::value& object);

} // namespace holdfast::api
