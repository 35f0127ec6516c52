#include "actors/api/delete_rules.hpp"

#include "actors/api/content_layers.hpp"
#include "actors/api/error_body.hpp"
#include "actors/api/object_writes.hpp"

namespace holdfast::api {
namespace {

[[noreturn]] void in_use(const prefix_desc& desc, std::string_view key, std::vector<std::string> messages) {
  throw api_error({std::string(desc.name), std::string(key), "StillInUseError", std::move(messages), 409});
}

bool lists(const json::value& object, std::string_view field, std::string_view name) {
  const auto* found = json::member(object, field);
  if (found && found->IsArray())
    for (const auto& item : found->GetArray())
      if (json::text(item) == name)
        return true;
  return false;
}

void check_role(const write_draft& draft, const prefix_desc& desc, std::string_view key) {
  std::vector<std::string> messages;
  draft.scan("users", [&](std::string_view user, std::string_view text) {
    json::document doc;
    if (!json::parse(text, doc) && lists(doc, "Roles", key))
      messages.push_back("In use by User " + std::string(user));
  });
  if (!messages.empty())
    in_use(desc, key, std::move(messages));
}

void check_tenant(const prefix_desc& desc, std::string_view key, const json::value& object) {
  const auto* users = json::member(object, "Users");
  if (!users || !users->IsArray() || users->Empty())
    return;
  std::string names;
  for (const auto& user : users->GetArray())
    names += (names.empty() ? "" : " ") + std::string(json::text(user));
  in_use(desc, key, {"Constraining Users: [" + names + "]"});
}

void check_pref(const write_draft& draft, const prefix_desc& desc, std::string_view key,
                std::string_view label, std::initializer_list<std::string_view> prefs) {
  for (const auto pref : prefs) {
    const auto stored = draft.get("preferences", pref);
    json::document doc;
    if (stored && !json::parse(*stored, doc) && json::text_at(doc, "Val") == key)
      in_use(desc, key,
             {std::string(label) + " " + std::string(key) + " is the active " + std::string(pref) +
              ", cannot remove it"});
  }
}

} // namespace

void refuse_if_in_use(const write_draft& draft, const prefix_desc& desc, std::string_view key,
                      const json::value& object) {
  if (desc.name == "roles") {
    check_role(draft, desc, key);
  } else if (desc.name == "tenants") {
    check_tenant(desc, key, object);
  } else if (desc.name == "bootenvs") {
    check_pref(draft, desc, key, "BootEnv", {"defaultBootEnv", "unknownBootEnv"});
  } else if (desc.name == "stages") {
    check_pref(draft, desc, key, "Stage", {"defaultStage"});
  } else if (desc.name == "workflows") {
    check_pref(draft, desc, key, "Workflow", {"defaultWorkflow"});
  } else if (desc.name == "jobs") {
    const auto state = json::text_at(object, "State");
    if (state != "failed" && state != "finished")
      throw api_error({"jobs",
                       std::string(key),
                       "ValidationError",
                       {"Jobs " + std::string(key) + " is not in a deletable state: " + std::string(state)},
                       422});
  }
}

void restore_lower_layer(write_draft& draft, const prefix_desc& desc, std::string_view key) {
  auto covered = covered_object(draft, desc, key);
  if (!covered)
    return;
  put_object(draft, desc, key, covered->object, covered->object.GetAllocator(), covered->pack, true);
}

} // namespace holdfast::api
