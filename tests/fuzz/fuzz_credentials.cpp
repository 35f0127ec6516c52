// What clients send to say who they are: the Authorization header, tokens, password hashes of content, spans
// of time. Nothing crashes, nothing forged is taken, and what is taken can be said again.
#include "actors/api/authorization.hpp"
#include "actors/api/crypto.hpp"
#include "actors/api/time_span.hpp"
#include "actors/api/token.hpp"

#include "tests/fuzz/seeds.hpp"

#include <string>
#include <string_view>

using namespace holdfast::api;
using holdfast::fuzz::require;

namespace {

const system_secrets& secrets() {
  static const system_secrets made{std::string(32, 'k'), std::string(32, 'g')};
  return made;
}

std::string good_token() {
  token_claims claims;
  claims.user = "u";
  claims.grantor = "g";
  claims.expires_s = 1000;
  claims.user_ref = secret_reference(secrets(), "u", "s");
  claims.grantor_ref = grantor_reference(secrets(), "g", "s");
  return issue_token(secrets(), claims);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto given = parse_authorization(text)) {
    if (const auto* pair = std::get_if<basic_credential>(&*given))
      require(!pair->user.empty() && pair->user.find(':') == std::string::npos);
    else
      require(!std::get<bearer_credential>(*given).token.empty());
  }
  static_cast<void>(parse_query_token(text));
  // Only the very token that was issued opens; bytes that were signed by nobody do not.
  static const auto issued = good_token();
  if (std::holds_alternative<token_claims>(open_token(secrets(), text, 1)))
    require(text == issued);
  if (const auto span = parse_span(text, std::chrono::seconds(1)))
    require(span->count() >= 0 && *span <= std::chrono::hours(24 * 36500));
  if (const auto bytes = from_base64(text))
    require(to_base64(*bytes) == text);
  if (const auto bytes = from_base64url(text))
    require(to_base64url(*bytes) == text);
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string& text :
       {std::string("Basic cm9ja2V0c2thdGVzOnNlY3JldA=="), "Bearer " + good_token(), good_token(),
        std::string("1.5h"), std::string("never"), std::string("600"), std::string("Zg==")})
    all.emplace_back(text.begin(), text.end());
  return all;
}
