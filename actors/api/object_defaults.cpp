#include "actors/api/object_defaults.hpp"

#include "actors/api/name_rules.hpp"

namespace holdfast::api {
namespace {

void fill_text(json::value& object, std::string_view name, std::string_view text, json::allocator& memory) {
  if (json::text_at(object, name).empty())
    json::set_member(object, name, json::make_text(text, memory), memory);
}

void fill_machine(json::value& object, json::allocator& memory, const fresh_values& fresh,
                  const msg::object_view& view) {
  fill_text(object, "Uuid", fresh.uuid, memory);
  fill_text(object, "Secret", fresh.secret, memory);
  fill_text(object, "Arch", "amd64", memory);
  fill_text(object, "Stage", pref_value(view, "defaultStage", "none"), memory);
  fill_text(object, "BootEnv", pref_value(view, "defaultBootEnv", "local"), memory);
  fill_text(object, "Pool", "default", memory);
  fill_text(object, "PoolStatus", "Free", memory);
  json::set_member(object, "Runnable", json::value(true), memory);
  const auto* tasks = json::member(object, "Tasks");
  const bool idle = !tasks || !tasks->IsArray() || tasks->Empty();
  json::set_member(object, "WorkflowComplete", json::value(idle), memory);
  json::set_member(object, "CurrentTask", json::value(idle ? 0 : -1), memory);
}

} // namespace

void fill_defaults(const prefix_desc& desc, json::value& object, json::allocator& memory,
                   const fresh_values& fresh, const msg::object_view& view) {
  if (desc.name == "machines") {
    fill_machine(object, memory, fresh, view);
  } else if (desc.name == "users") {
    fill_text(object, "Secret", fresh.secret, memory);
  } else if (desc.name == "stages") {
    json::set_member(object, "RunnerWait", json::value(true), memory);
  } else if (desc.name == "jobs") {
    fill_text(object, "Uuid", fresh.uuid, memory);
  }
}

void keep_secrets(const json::value& stored, json::value& object, json::allocator& memory) {
  const auto* now = json::member(object, "Secret");
  if (now && json::text(*now).empty())
    fill_text(object, "Secret", json::text_at(stored, "Secret"), memory);
}

std::string pref_value(const msg::object_view& view, std::string_view name, std::string_view fallback) {
  const auto stored = view.get("preferences", name);
  json::document doc;
  if (!stored || json::parse(stored->json, doc))
    return std::string(fallback);
  return std::string(json::text_at(doc, "Val"));
}

} // namespace holdfast::api
