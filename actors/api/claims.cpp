#include "actors/api/claims.hpp"

#include <algorithm>

namespace holdfast::api {

namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (part.starts_with(' '))
      part.remove_prefix(1);
    while (part.ends_with(' '))
      part.remove_suffix(1);
    if (!part.empty())
      out.emplace_back(part);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out;
}

bool action_contains(std::string_view have, std::string_view want) {
  if (have == "*" || have == want)
    return true;
  if (have == "action")
    return want.starts_with("action:");
  if (have == "update")
    return want.starts_with("update:/");
  // update:/a contains update:/a/b, but not update:/ab.
  return have.starts_with("update:/") && want.size() > have.size() && want.starts_with(have) &&
         want[have.size()] == '/';
}

bool part_contains(const std::vector<std::string>& have, std::string_view want) {
  return std::any_of(have.begin(), have.end(),
                     [&](const std::string& one) { return one == "*" || one == want; });
}

} // namespace

claim make_claim(std::string_view scope, std::string_view action, std::string_view specific) {
  claim out{split(scope), split(action), split(specific)};
  if (out.specifics.empty())
    out.specifics.emplace_back("*");
  return out;
}

bool contains(const claim& have, std::string_view scope, std::string_view action, std::string_view specific) {
  return part_contains(have.scopes, scope) &&
         part_contains(have.specifics, specific.empty() ? "*" : specific) &&
         std::any_of(have.actions.begin(), have.actions.end(),
                     [&](const std::string& one) { return action_contains(one, action); });
}

bool contains(const std::vector<claim>& have, std::string_view scope, std::string_view action,
              std::string_view specific) {
  return std::any_of(have.begin(), have.end(),
                     [&](const claim& one) { return contains(one, scope, action, specific); });
}

bool contains_all(const std::vector<claim>& have, const std::vector<claim>& want) {
  for (const auto& one : want) {
    for (const auto& scope : one.scopes) {
      for (const auto& action : one.actions) {
        for (const auto& specific : one.specifics) {
          if (!contains(have, scope, action, specific))
            return false;
        }
      }
    }
  }
  return true;
}

std::vector<claim> all_claims() {
  return {make_claim("*", "*", "*")};
}

} // namespace holdfast::api
