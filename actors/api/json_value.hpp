// JSON values as the API uses them: bounded parsing, compact and indented text, comparison by value.
// RapidJSON does the parsing and the writing; this file adds the limits and the rules of RFC 6902 §4.6.
// Pure: any thread, no clock.
#pragma once

#include <rapidjson/document.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api::json {

using value = rapidjson::Value;
using document = rapidjson::Document;
using allocator = document::AllocatorType;

/// What a client may send in one body. Depth counts open arrays and objects.
struct limits {
  std::size_t bytes = std::size_t{16} << 20;
  unsigned depth = 64;
};

/// Parses one JSON text (RFC 8259, UTF-8 checked) into `out`. Of members with the same name the last one
/// counts, as in Go. Returns the reason for refusing, or nothing when `out` holds the value. Memory stays a
/// small multiple of `limits.bytes`; no recursion, so depth costs no stack.
[[nodiscard]] std::optional<std::string> parse(std::string_view text, document& out,
                                               const limits& bounds = {});

/// Compact text.
[[nodiscard]] std::string compact(const value& v);
/// Text indented by two spaces, as the client's error dumps show it.
[[nodiscard]] std::string pretty(const value& v);

/// Equal by value: numbers numerically (1 == 1.0), object members in any order.
[[nodiscard]] bool equal(const value& a, const value& b);

/// The member of that exact name, or null. `object` may be any value.
[[nodiscard]] const value* member(const value& object, std::string_view name);
[[nodiscard]] value* member(value& object, std::string_view name);
/// As member(), but falls back to a match that ignores ASCII case, as Go's decoder does.
[[nodiscard]] value* member_folded(value& object, std::string_view name);

/// The text of a string value, else empty.
[[nodiscard]] std::string_view text(const value& v);
/// The text of a string member, else empty.
[[nodiscard]] std::string_view text_at(const value& object, std::string_view name);
/// True when that member is `true`.
[[nodiscard]] bool flag_at(const value& object, std::string_view name);

/// A string value that copies `s` into the allocator.
[[nodiscard]] value make_text(std::string_view s, allocator& memory);
/// Sets or replaces a member (name and value are taken over).
void set_member(value& object, std::string_view name, value&& v, allocator& memory);

/// JSON text of one string, quotes included.
[[nodiscard]] std::string quoted(std::string_view s);

/// Go's word for the kind of a value, for decoder-like error texts.
[[nodiscard]] std::string_view kind_word(const value& v);

} // namespace holdfast::api::json
