#include "actors/api/job_actions.hpp"

#include "actors/api/error_body.hpp"
#include "actors/api/job_log.hpp"
#include "actors/api/json_value.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

[[noreturn]] void refuse(const std::string& job, std::string text, unsigned code) {
  throw api_error({"jobs", job, code == 422 ? "ValidationError" : "GET", {std::move(text)}, code});
}

json::document load(const msg::object_view& view, std::string_view prefix, std::string_view key,
                    const std::string& job, std::string_view label) {
  json::document doc;
  const auto stored = view.get(prefix, key);
  if (!stored || json::parse(stored->json, doc))
    refuse(job, std::string(label) + " " + std::string(key) + " does not exist", 422);
  return doc;
}

/// Meta.OS is a comma list; without one the template is for all.
bool is_for(const json::value& entry, std::string_view os) {
  const auto* meta = json::member(entry, "Meta");
  auto list = meta ? json::text_at(*meta, "OS") : std::string_view();
  if (os.empty() || list.empty())
    return true;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto name = list.substr(0, end);
    while (name.starts_with(' '))
      name.remove_prefix(1);
    while (name.ends_with(' '))
      name.remove_suffix(1);
    if (name == os || name == "any")
      return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string plain(const std::string& job, std::string_view label, std::string_view text) {
  if (text.find("{{") != std::string_view::npos)
    refuse(job, "Template " + std::string(label) + " must be rendered, and this server renders no templates",
           501);
  return std::string(text);
}

std::string action_text(const msg::object_view& view, const std::string& job, const json::value& entry) {
  const auto name = json::text_at(entry, "Name");
  std::string content;
  if (const auto id = json::text_at(entry, "ID"); !id.empty())
    content = plain(job, name, json::text_at(load(view, "templates", id, job, "Template"), "Contents"));
  else
    content = plain(job, name, json::text_at(entry, "Contents"));
  const auto path = plain(job, name, json::text_at(entry, "Path"));
  const auto* meta = json::member(entry, "Meta");
  return "{\"Name\":" + json::quoted(name) + ",\"Path\":" + json::quoted(path) +
         ",\"Content\":" + json::quoted(content) + ",\"Meta\":" + (meta ? json::compact(*meta) : "{}") + "}";
}

} // namespace

std::string job_actions_json(const msg::object_view& view, const std::string& job, std::string_view os) {
  require_job(view, job);
  const auto doc = load(view, "jobs", job, job, "Job");
  const auto task_name = json::text_at(doc, "Task");
  if (task_name.empty())
    return "[]";
  const auto task = load(view, "tasks", task_name, job, "Task");
  const auto* templates = json::member(task, "Templates");
  std::string out = "[";
  if (templates && templates->IsArray())
    for (const auto& entry : templates->GetArray())
      if (is_for(entry, os))
        out += (out.size() == 1 ? "" : ",") + action_text(view, job, entry);
  return out + "]";
}

} // namespace holdfast::api
