// Rights: claims of scope, action and specific, and when one contains another (contract §1.4). Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

/// Each part a list of alternatives; "*" among them stands for all.
struct claim {
  std::vector<std::string> scopes;
  std::vector<std::string> actions;
  std::vector<std::string> specifics;
};

/// Splits the comma lists of a claim as it stands in a role; blanks around parts are dropped. An empty part
/// list means "*" for specific, and nothing at all for scope and action.
[[nodiscard]] claim make_claim(std::string_view scope, std::string_view action, std::string_view specific);

/// One wanted right against one claim. `action` contains `action:x`, `update` contains `update:/p`,
/// `update:/a` contains `update:/a/b`; `*` contains all; a concrete list never contains "*" (or "", which
/// asks for any).
[[nodiscard]] bool contains(const claim& have, std::string_view scope, std::string_view action,
                            std::string_view specific);
[[nodiscard]] bool contains(const std::vector<claim>& have, std::string_view scope, std::string_view action,
                            std::string_view specific);
/// Every right of `want` is in `have`.
[[nodiscard]] bool contains_all(const std::vector<claim>& have, const std::vector<claim>& want);

/// The claim of everything.
[[nodiscard]] std::vector<claim> all_claims();

} // namespace holdfast::api
