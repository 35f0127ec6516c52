#include "actors/api/scopes.hpp"

#include "actors/api/prefix_table.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

using scope_map = std::map<std::string, std::set<std::string>, std::less<>>;

scope_map build_scopes() {
  scope_map out;
  for (const auto& desc : all_prefixes())
    out[std::string(desc.name)] = {"list", "get", "create", "delete", "actions", "update", "action"};
  out["plugin_providers"] = out["plugins"];
  out["users"].insert({"token", "password"});
  out["jobs"].insert("log");
  out["machines"].insert({"getSecure", "updateSecure", "updateTaskList", "token", "whoami"});
  for (const auto* scope : {"plugins", "profiles", "stages"})
    out[scope].insert({"getSecure", "updateSecure"});
  out["contents"] = {"list", "get", "create", "update", "delete"};
  out["files"] = out["isos"] = {"list", "get", "post", "delete"};
  out["interfaces"] = {"list", "get"};
  out["info"] = {"get"};
  out["objects"] = {"list"};
  out["logs"] = {"get"};
  out["indexes"] = {"list", "get"};
  out["system"] = {"upgrade", "replicate", "active", "passive"};
  out["preferences"] = {"list", "post"};
  out["events"] = {"post"};
  return out;
}

std::vector<std::string> parts(std::string_view list) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= list.size();) {
    const auto end = std::min(list.find(',', from), list.size());
    auto part = list.substr(from, end - from);
    while (!part.empty() && part.front() == ' ')
      part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ')
      part.remove_suffix(1);
    out.emplace_back(part);
    from = end + 1;
  }
  return out;
}

bool known_action(const std::set<std::string>& known, std::string_view action) {
  const auto colon = action.find(':');
  const auto verb = action.substr(0, colon);
  return known.contains(std::string(verb)) &&
         (colon == std::string_view::npos || verb == "update" || verb == "action");
}

} // namespace

const scope_map& static_scopes() {
  static const scope_map scopes = build_scopes();
  return scopes;
}

std::vector<std::string> claim_defects(std::string_view scopes, std::string_view actions) {
  std::vector<std::string> out;
  const auto& known = static_scopes();
  std::set<std::string> allowed;
  for (const auto& scope : parts(scopes)) {
    const auto found = known.find(scope);
    if (scope != "*" && found == known.end())
      out.push_back("No such scope '" + scope + "'");
    for (const auto& [name, verbs] : known)
      if (scope == "*" || scope == name)
        allowed.insert(verbs.begin(), verbs.end());
  }
  if (!out.empty())
    return out;
  for (const auto& action : parts(actions))
    if (action != "*" && !known_action(allowed, action))
      out.push_back("No such action '" + action + "'");
  return out;
}

} // namespace holdfast::api
