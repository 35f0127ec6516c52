// Decoding of a request target into the path and the query a route may see. Pure; any thread. Fuzzed.
#pragma once

#include "net/http_exchange.hpp"

#include <string>
#include <string_view>

namespace holdfast::net {

/// Fills path and query from an origin-form ("/a/b?x=y") or absolute-form target. Percent-escapes are decoded
/// once; in the query '+' means a blank. Refused, with the reason as the result and `head` unchanged: a bad
/// escape, NUL or another control character, a "." or ".." segment (also when spelled with escapes), invalid
/// UTF-8, a path that does not start with '/' ("*" alone is let through). An empty result means it was fine.
/// Repeated slashes are kept.
[[nodiscard]] std::string_view decode_target(std::string_view target, http_head& head);

/// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool valid_utf8(std::string_view text);

/// Percent-encodes everything but unreserved characters and '/'.
[[nodiscard]] std::string encode_path(std::string_view path);
/// Percent-encodes everything but unreserved characters.
[[nodiscard]] std::string encode_query(std::string_view text);

} // namespace holdfast::net
