// The Authorization header (RFC 7617, RFC 6750) taken apart. Pure; any thread. Bounded and fuzzed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::api {

struct basic_credential {
  std::string user;
  std::string password; ///< secret
};
struct bearer_credential {
  std::string token; ///< secret
};
using credential = std::variant<basic_credential, bearer_credential>;

/// Nothing when it is neither scheme, or longer than 16 KiB, or not decodable.
[[nodiscard]] std::optional<credential> parse_authorization(std::string_view header);
/// `?token=` of a websocket: a token, or user:password.
[[nodiscard]] std::optional<credential> parse_query_token(std::string_view value);

} // namespace holdfast::api
