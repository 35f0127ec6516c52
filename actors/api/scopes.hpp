// The scopes and actions a claim can name (contract §1.4), made from the table of prefixes. Static data.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

/// scope → actions, as Info.scopes reports them.
[[nodiscard]] const std::map<std::string, std::set<std::string>, std::less<>>& static_scopes();

/// "No such scope 'x'" and "No such action 'y'" for the comma lists of a claim; `*` is always known, and so
/// are `update:/pointer` and `action:name` where the scope has update and action.
[[nodiscard]] std::vector<std::string> claim_defects(std::string_view scopes, std::string_view actions);

} // namespace holdfast::api
