#include "actors/api/prefs.hpp"

#include "actors/api/identity.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/time_span.hpp"

#include <algorithm>
#include <array>

namespace holdfast::api {

namespace {

constexpr std::string_view pref_prefix = "preferences";
constexpr std::size_t pref_secret_size = 32;

enum class pref_kind : std::uint8_t { text, level, seconds, count, span, secret };

struct pref_row {
  std::string_view name;
  std::string_view fallback;
  pref_kind kind;
};

constexpr std::array<pref_row, 16> pref_rows{{{"baseTokenSecret", "", pref_kind::secret},
                                              {"systemGrantorSecret", "", pref_kind::secret},
                                              {"completeJobsPurgedAfter", "", pref_kind::span},
                                              {"debugBootEnv", "warn", pref_kind::level},
                                              {"debugDhcp", "warn", pref_kind::level},
                                              {"debugFrontend", "warn", pref_kind::level},
                                              {"debugPlugins", "warn", pref_kind::level},
                                              {"debugRenderer", "warn", pref_kind::level},
                                              {"defaultBootEnv", "local", pref_kind::text},
                                              {"defaultStage", "none", pref_kind::text},
                                              {"defaultWorkflow", "", pref_kind::text},
                                              {"failedJobsPurgedAfter", "", pref_kind::span},
                                              {"jobsToKeep", "", pref_kind::count},
                                              {"knownTokenTimeout", "3600", pref_kind::seconds},
                                              {"logLevel", "warn", pref_kind::level},
                                              {"unknownTokenTimeout", "600", pref_kind::seconds}}};
constexpr pref_row unknown_boot_env{"unknownBootEnv", "ignore", pref_kind::text};

const pref_row* find_row(std::string_view name) {
  if (name == unknown_boot_env.name)
    return &unknown_boot_env;
  const auto* found =
      std::find_if(pref_rows.begin(), pref_rows.end(), [&](const pref_row& row) { return row.name == name; });
  return found == pref_rows.end() ? nullptr : found;
}

/// The numbers of old clients.
std::string level_of(const std::string& value) {
  if (value == "0")
    return "warn";
  if (value == "1")
    return "info";
  if (value == "2")
    return "debug";
  return value;
}

bool is_count(const std::string& value) {
  return !value.empty() && value.size() <= 9 &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string defect(const pref_row& row, const std::string& value) {
  const std::string name(row.name);
  switch (row.kind) {
  case pref_kind::secret:
    return value.size() == pref_secret_size ? std::string() : name + ": Must be 32 bytes long";
  case pref_kind::level:
    for (const char* known : {"trace", "debug", "info", "warn", "error", "fatal", "panic", "audit"}) {
      if (value == known)
        return {};
    }
    return name + ": " + value + " is not a log level";
  case pref_kind::seconds:
    return is_count(value) ? std::string() : name + ": " + value + " is not a number of seconds";
  case pref_kind::count:
    return value.empty() || is_count(value) ? std::string() : name + ": " + value + " is not a number";
  case pref_kind::span:
    return value.empty() || parse_span(value, std::chrono::seconds(1))
               ? std::string()
               : name + ": " + value + " is not a time such as 3600 or 7d";
  case pref_kind::text:
    return {};
  }
  return {};
}

std::string stored_value(const msg::object_ref& object) {
  json::document doc;
  if (!object || json::parse(object->json, doc))
    return {};
  return std::string(json::text_at(doc, "Val"));
}

/// The rest of the object (Meta) stays as it is.
std::string with_value(const msg::object_ref& before, std::string_view name, const std::string& value) {
  json::document doc;
  if (!before || json::parse(before->json, doc) || !doc.IsObject()) {
    return "{\"Meta\":{},\"Name\":" + json::quoted(name) + ",\"Val\":" + json::quoted(value) + "}";
  }
  json::set_member(doc, "Val", json::make_text(value, doc.GetAllocator()), doc.GetAllocator());
  return json::compact(doc);
}

} // namespace

pref_map read_prefs(const msg::object_view& view) {
  pref_map out;
  for (const auto& row : pref_rows) {
    if (row.kind != pref_kind::secret)
      out.emplace(row.name, row.fallback);
  }
  out.emplace(unknown_boot_env.name, unknown_boot_env.fallback);
  view.scan(pref_prefix, "", [&](std::string_view key, const msg::object_ref& object) {
    const auto* row = find_row(key);
    if (row == nullptr || row->kind != pref_kind::secret)
      out.insert_or_assign(std::string(key), stored_value(object));
    return true;
  });
  return out;
}

std::string prefs_json(const pref_map& prefs) {
  std::string out = "{";
  for (const auto& [name, value] : prefs) {
    out += out.size() > 1 ? "," : "";
    out += json::quoted(name) + ":" + json::quoted(value);
  }
  return out + "}";
}

pref_plan plan_prefs(const msg::object_view& view, const pref_map& wanted) {
  pref_plan out;
  const auto current = read_prefs(view);
  out.after = current;
  for (const auto& [name, given] : wanted) {
    const auto* row = find_row(name);
    if (row == nullptr) {
      out.messages.push_back("Unknown Preference " + name);
      continue;
    }
    const auto value = row->kind == pref_kind::level ? level_of(given) : given;
    if (auto text = defect(*row, value); !text.empty()) {
      out.messages.push_back(std::move(text));
      continue;
    }
    const bool secret = row->kind == pref_kind::secret;
    if (!secret && current.at(name) == value)
      continue;
    if (!secret)
      out.after.insert_or_assign(name, value);
    const auto where = std::string(secret ? secrets_prefix : pref_prefix);
    const auto before = view.get(where, name);
    out.tx.preconditions.push_back({where, name,
                                    before ? msg::expectation::revision : msg::expectation::absent,
                                    before ? before->rev : msg::revision{}});
    out.tx.mutations.push_back(
        {where, name, secret ? "{\"Val\":" + json::quoted(value) + "}" : with_value(before, name, value)});
  }
  if (!out.messages.empty())
    out.tx = {};
  return out;
}

} // namespace holdfast::api
