#include "actors/api/authorization.hpp"

#include "actors/api/crypto.hpp"
#include "actors/api/token.hpp"

#include <algorithm>

namespace holdfast::api {

namespace {

constexpr std::size_t longest_header = 16384;

/// The rest behind a scheme's name, compared without regard to case, and its blanks.
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ')
    return std::nullopt;
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  if (!std::equal(scheme.begin(), scheme.end(), header.begin(), [&](char b, char a) { return same(a, b); }))
    return std::nullopt;
  header.remove_prefix(scheme.size());
  while (header.starts_with(' '))
    header.remove_prefix(1);
  return header;
}

std::optional<credential> split_pair(std::string_view pair) {
  const auto colon = pair.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return std::nullopt;
  return basic_credential{std::string(pair.substr(0, colon)), std::string(pair.substr(colon + 1))};
}

} // namespace

std::optional<credential> parse_authorization(std::string_view header) {
  if (header.size() > longest_header)
    return std::nullopt;
  if (const auto token = after_scheme(header, "bearer"); token && !token->empty())
    return bearer_credential{std::string(*token)};
  if (const auto encoded = after_scheme(header, "basic")) {
    if (const auto pair = from_base64(*encoded))
      return split_pair(*pair);
  }
  return std::nullopt;
}

std::optional<credential> parse_query_token(std::string_view value) {
  if (value.empty() || value.size() > longest_header)
    return std::nullopt;
  if (looks_like_token(value) || value.find(':') == std::string_view::npos)
    return bearer_credential{std::string(value)};
  return split_pair(value);
}

} // namespace holdfast::api
