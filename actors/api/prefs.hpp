// Preferences (contract §7.3): known names, defaults, checks. Stored as objects `preferences/<name>` {Name,
// Val, Meta}; the two secrets go to `_secrets` and are never read back. Pure; any thread.
#pragma once

#include "messages/object_view.hpp"
#include "messages/transaction.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

using pref_map = std::map<std::string, std::string, std::less<>>;

/// Defaults overlaid with what is stored, without secrets.
[[nodiscard]] pref_map read_prefs(const msg::object_view& view);
[[nodiscard]] std::string prefs_json(const pref_map& prefs);

struct pref_plan {
  msg::transaction tx;               ///< no mutations when nothing changes
  pref_map after;                    ///< what read_prefs() says once it is applied
  std::vector<std::string> messages; ///< what is wrong; then nothing may be written
};
/// Checks a partial map and makes the transaction for what differs from the view.
[[nodiscard]] pref_plan plan_prefs(const msg::object_view& view, const pref_map& wanted);

} // namespace holdfast::api
