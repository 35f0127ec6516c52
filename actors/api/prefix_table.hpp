// The one table that describes every kind of object (contract §3.1–3.6): its key, its fields in order with
// their empty values, its indexes, what it refers to. Routes, decoding, lists, validation and events read it;
// no code is written per prefix. Static data: any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

enum class field_kind : std::uint8_t {
  text,
  boolean,
  integer,
  text_list,
  text_map,    ///< string → string
  any_map,     ///< string → any JSON
  any,         ///< any JSON, null when unset
  time,        ///< RFC 3339
  uuid,        ///< "" or a uuid; anything else is refused
  address,     ///< IPv4, IPv6 or ""
  bytes,       ///< base64
  record,      ///< nested fields
  record_list, ///< array of nested fields
  record_map,  ///< string → nested fields
};

struct field {
  std::string_view name;
  field_kind kind = field_kind::text;
  bool omit_empty = false;
  std::span<const field> nested = {};
};

/// Groups of embedded fields. `validation`, `access`, `owned`, `bundled` and `partialed` belong to the
/// server: what a client sends in them is ignored.
enum group : std::uint8_t {
  validation = 1,   ///< Validated, Available, Errors
  access_group = 2, ///< ReadOnly
  meta_group = 4,   ///< Meta
  owned = 8,        ///< Endpoint
  bundled = 16,     ///< Bundle
  partialed = 32,   ///< Partial
};

enum class key_rule : std::uint8_t {
  any,         ///< not empty
  name,        ///< letter, then letters, numbers, - space _ .
  user,        ///< name plus @
  param,       ///< name plus /
  number_name, ///< as name, but may begin with a number
  endpoint,    ///< number_name plus :
  uuid,
  address, ///< an IPv4 address; the key is its upper-case hex
};

struct index_desc {
  std::string_view name;
  std::string_view path; ///< field, or Field/Nested, inside the object
  std::string_view type; ///< the contract's type word
  bool unique = false;
  bool unordered = false;
  bool regex = false;
};

/// A field that names objects of another prefix.
struct reference {
  std::string_view path; ///< field name; for lists every entry is a reference
  std::string_view target;
  std::string_view label;         ///< how error texts call the target ("BootEnv")
  std::string_view machine_label; ///< how 422 texts of machines call it ("Bootenv")
};

struct prefix_desc {
  std::string_view name;
  std::string_view singular; ///< for texts: "BootEnv"
  std::string_view key_field;
  key_rule rule = key_rule::any;
  std::uint8_t groups = 0;
  std::span<const field> fields;   ///< without the groups' fields
  std::vector<index_desc> indexes; ///< groups' indexes included
  std::span<const reference> references;
  bool has_params = false; ///< has the params sub-resource
  bool listed = true;      ///< appears in GET objects
  bool generic = true;     ///< served by the generic routes

  [[nodiscard]] bool has(group g) const { return (groups & g) != 0; }
  [[nodiscard]] const index_desc* index(std::string_view index_name) const;
};

/// Null when there is no such prefix. "prefs" is served elsewhere and is not one.
[[nodiscard]] const prefix_desc* find_prefix(std::string_view name);
/// All prefixes, sorted by name.
[[nodiscard]] const std::vector<prefix_desc>& all_prefixes();
/// Name of every prefix that GET objects lists, sorted.
[[nodiscard]] std::vector<std::string_view> listed_prefixes();

/// Store prefixes that begin with '_' are the server's own: no route, list, event or content pack shows them.
[[nodiscard]] constexpr bool is_hidden_prefix(std::string_view prefix) {
  return prefix.empty() || prefix.front() == '_';
}

} // namespace holdfast::api
