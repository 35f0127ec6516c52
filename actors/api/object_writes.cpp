#include "actors/api/object_writes.hpp"

#include "actors/api/delete_rules.hpp"
#include "actors/api/identity.hpp"
#include "actors/api/job_log.hpp"
#include "actors/api/job_rules.hpp"
#include "actors/api/json_patch.hpp"
#include "actors/api/name_rules.hpp"
#include "actors/api/object_defaults.hpp"
#include "actors/api/object_replace.hpp"
#include "actors/api/object_shape.hpp"

namespace holdfast::api {
namespace {

[[noreturn]] void refuse(const write_request& request, std::string_view key, std::string_view type,
                         std::vector<std::string> messages, unsigned code) {
  throw api_error(
      {std::string(request.desc->name), std::string(key), std::string(type), std::move(messages), code});
}

/// RapidJSON's own step of 64 KiB costs the heap more than all the work on an object of ordinary size.
constexpr std::size_t memory_step = 2 * 1024;

struct found_object {
  std::string key;
  std::unique_ptr<json::allocator> memory = std::make_unique<json::allocator>(memory_step);
  json::document doc{memory.get()};
  server_fields server;
};

/// The object a request is about.
found_object fetch(const write_draft& draft, const write_request& request) {
  const auto key = locate(*request.desc, request.key, draft.base());
  if (!key)
    throw api_error(not_found(request.method, request.desc->name, stored_key(*request.desc, request.key)));
  found_object out;
  out.key = *key;
  const auto stored = draft.get(request.desc->name, out.key);
  if (!stored || json::parse(*stored, out.doc))
    refuse(request, out.key, request.method, {"stored object cannot be read"}, 500);
  out.server = get_server_fields(out.doc);
  return out;
}

void refuse_read_only(const write_request& request, const found_object& found) {
  if (found.server.read_only)
    refuse(request, found.key, request.method, {"ReadOnly"}, 403);
}

void refuse_locked(const write_request& request, const found_object& found, const json::value* after) {
  if (json::flag_at(found.doc, "Locked") && (!after || json::flag_at(*after, "Locked")))
    refuse(request, found.key, request.method, {"Locked"}, 409);
}

write_plan finish(write_draft& draft, const prefix_desc& desc, const std::string& key, unsigned status) {
  settle_references(draft);
  write_plan plan;
  plan.status = status;
  plan.body = *draft.get(desc.name, key);
  plan.tx = draft.take();
  return plan;
}

/// Puts a changed object in the place of the found one.
write_plan put_changed(write_draft& draft, const write_request& request, const found_object& found,
                       json::value& object, json::allocator& memory) {
  const auto& desc = *request.desc;
  keep_secrets(found.doc, object, memory);
  const auto key = key_of(desc, object);
  if (key != found.key)
    refuse(request, found.key, "ValidationError", {found.key + ": Key cannot be changed to `" + key + "`"},
           422);
  refuse_locked(request, found, &object);
  if (desc.name == "jobs")
    follow_job_state(draft, found.doc, object, memory, request.now);
  put_over(draft, desc, key, object, memory, found.server.bundle, found.doc);
  draft.forget_if_unchanged(desc.name, key);
  return finish(draft, desc, key, 200);
}

void check_patch_rights(const write_request& request, const std::string& key,
                        const std::vector<patch_step>& steps) {
  if (!request.check)
    return;
  for (const auto& step : steps) {
    if (step.op != patch_op::test)
      request.check("update:" + step.path_text, key);
    if (step.op == patch_op::move)
      request.check("update:" + step.from_text, key);
  }
}

} // namespace

fresh_values draw_fresh_values() {
  return {random_uuid(), random_secret()};
}

void decode_object(const prefix_desc& desc, std::string_view method, std::string_view body,
                   json::document& out) {
  if (auto why = json::parse(body, out))
    throw api_error(undecodable(method, *why));
  if (auto why = shape_object(desc, out, out.GetAllocator()))
    throw api_error(undecodable(method, *why));
}

write_plan plan_create(const msg::view_ptr& view, const write_request& request) {
  const auto& desc = *request.desc;
  json::allocator memory(memory_step);
  json::document doc(&memory);
  decode_object(desc, request.method, request.body, doc);
  fill_defaults(desc, doc, doc.GetAllocator(), request.fresh, *view);
  const auto key = key_of(desc, doc);
  if (key.empty())
    refuse(request, "", "CREATE", {"Empty key not allowed"}, 422);
  if (request.check)
    request.check("create", key);
  write_draft draft(view);
  if (draft.exists(desc.name, key))
    refuse(request, key, "CREATE", {"already exists"}, 409);
  if (desc.name == "jobs")
    return plan_new_job(std::move(draft), request, doc);
  put_object(draft, desc, key, doc, doc.GetAllocator());
  return finish(draft, desc, key, 201);
}

write_plan plan_replace(const msg::view_ptr& view, const write_request& request) {
  write_draft draft(view);
  const auto found = fetch(draft, request);
  if (request.check)
    request.check("update", found.key);
  refuse_read_only(request, found);
  json::allocator memory(memory_step);
  json::document doc(&memory);
  decode_object(*request.desc, request.method, request.body, doc);
  if (key_of(*request.desc, doc).empty())
    json::set_member(doc, request.desc->key_field, json::make_text(found.key, doc.GetAllocator()),
                     doc.GetAllocator());
  return put_changed(draft, request, found, doc, doc.GetAllocator());
}

write_plan plan_patch(const msg::view_ptr& view, const write_request& request) {
  write_draft draft(view);
  auto found = fetch(draft, request);
  json::document body;
  if (auto why = json::parse(request.body, body))
    throw api_error(undecodable(request.method, *why));
  auto decoded = decode_patch(body);
  if (auto* why = std::get_if<std::string>(&decoded))
    throw api_error(undecodable(request.method, *why));
  const auto& steps = std::get<0>(decoded);
  check_patch_rights(request, found.key, steps);
  refuse_read_only(request, found);
  json::document target;
  auto& memory = target.GetAllocator();
  target.CopyFrom(found.doc, memory);
  if (auto failed = apply_patch(steps, target, memory))
    refuse(request, found.key, "PATCH", patch_messages(steps, *failed), 409);
  if (auto why = shape_object(*request.desc, target, memory))
    throw api_error(undecodable(request.method, *why));
  return put_changed(draft, request, found, target, memory);
}

write_plan plan_delete(const msg::view_ptr& view, const write_request& request) {
  const auto& desc = *request.desc;
  write_draft draft(view);
  auto found = fetch(draft, request);
  if (request.check)
    request.check("delete", found.key);
  refuse_if_in_use(draft, desc, found.key, found.doc);
  refuse_read_only(request, found);
  refuse_locked(request, found, nullptr);
  write_plan plan;
  plan.body = *draft.get(desc.name, found.key);
  remove_object(draft, desc, found.key);
  if (desc.name == "users")
    draft.remove(passwords_prefix, found.key);
  if (desc.name == "jobs")
    drop_job_log(draft, found.key);
  restore_lower_layer(draft, desc, found.key);
  settle_references(draft);
  plan.tx = draft.take();
  return plan;
}

} // namespace holdfast::api
