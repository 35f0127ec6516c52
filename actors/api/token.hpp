// API tokens. A token is three parts joined by dots:
//   "hf1" . base64url(claims) . base64url(HMAC-SHA-256(key, "hf1." + base64url(claims)))
// The claims are a JSON object: u user, g grantor, i issued, e expires (seconds since the epoch), ur and gr
// references to the user's and the grantor's secret, and the optional restrictions sc scope, ac action, sp
// specific and ro roles. The key comes from the replicated system secret, so every member accepts the token
// and none that another system issued; a reference is an HMAC of a secret, so the token dies with it
// (contract §1.2, §1.3). Tokens hold no secret, but are one: never log them. Pure; any thread. Bounded and
// fuzzed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::api {

struct token_claims {
  std::string user;
  std::string grantor; ///< user who asked for it
  std::int64_t issued_s = 0;
  std::int64_t expires_s = 0;
  std::string user_ref;
  std::string grantor_ref;
  std::string scope; ///< "": unrestricted, as action, specific and roles
  std::string action;
  std::string specific;
  std::vector<std::string> roles;
};

/// Replicated secrets, kept under the store's `_secrets` prefix.
struct system_secrets {
  std::string base_token;     ///< 32 bytes
  std::string system_grantor; ///< 32 bytes
};

[[nodiscard]] std::string issue_token(const system_secrets& secrets, const token_claims& claims);

/// The claims, or why the token is refused (a text for "Invalid token: …"). Checks form, signature and life,
/// not the references: whoever calls looks the user up and compares them.
[[nodiscard]] std::variant<token_claims, std::string> open_token(const system_secrets& secrets,
                                                                 std::string_view token, std::int64_t now_s);

/// What stands in a token for a user's secret; `who` keeps one user's reference from passing for another's.
[[nodiscard]] std::string secret_reference(const system_secrets& secrets, std::string_view who,
                                           std::string_view secret);
/// The grantor's reference covers the system's grantor secret too.
[[nodiscard]] std::string grantor_reference(const system_secrets& secrets, std::string_view who,
                                            std::string_view secret);

/// Whether a text is a token at all, as opposed to `user:password` (contract §1.1, websocket query).
[[nodiscard]] bool looks_like_token(std::string_view text);

} // namespace holdfast::api
