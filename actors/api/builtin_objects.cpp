#include "actors/api/builtin_objects.hpp"

#include "actors/api/content_layers.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/object_writes.hpp"

namespace holdfast::api {
namespace {

constexpr std::string_view basic_store = R"json({
 "meta": {"Name": "BasicStore", "Version": "v1.0.0", "Description": "Objects every endpoint starts with"},
 "sections": {
  "params": {"pxelinux-local-boot": {"Name": "pxelinux-local-boot",
    "Description": "How pxelinux boots from the local disk",
    "Documentation": "The method pxelinux uses to hand over to the local disk.",
    "Schema": {"type": "string", "default": "localboot 0"}}},
  "bootenvs": {
   "ignore": {"Name": "ignore", "OnlyUnknown": true, "OS": {"Name": "ignore"},
    "Description": "Unknown machines boot from their local disk and are left alone"},
   "local": {"Name": "local", "OS": {"Name": "local"}, "Description": "Machines boot from their local disk"}},
  "stages": {
   "none": {"Name": "none", "Description": "No work to do", "RunnerWait": true},
   "local": {"Name": "local", "BootEnv": "local", "Description": "Boot from the local disk", "RunnerWait": true}},
  "roles": {"superuser": {"Name": "superuser", "Description": "May do everything",
    "Claims": [{"scope": "*", "action": "*", "specific": "*"}]}}}})json";

void ensure(write_draft& draft, std::string_view prefix, std::string_view key, std::string_view text) {
  const auto& desc = *find_prefix(prefix);
  if (draft.exists(prefix, key))
    return;
  json::document doc;
  decode_object(desc, "POST", text, doc);
  put_object(draft, desc, key, doc, doc.GetAllocator());
}

/// Version of the pack in the store, empty when there is none.
std::string stored_version(const msg::object_view& view) {
  const auto stored = view.get(contents_prefix, "BasicStore");
  json::document doc;
  if (!stored || json::parse(stored->json, doc))
    return {};
  const auto* meta = json::member(doc, "meta");
  return meta ? std::string(json::text_at(*meta, "Version")) : std::string();
}

} // namespace

std::optional<msg::transaction> plan_builtins(const msg::view_ptr& view) {
  write_draft draft(view);
  ensure(draft, "profiles", "global",
         R"({"Name":"global","Description":"Params that hold for every machine"})");
  ensure(draft, "pools", "default", R"({"Id":"default","Description":"Machines in no other pool"})");
  if (draft.changes() != 0)
    return draft.take();
  if (stored_version(*view) == "v1.0.0")
    return std::nullopt;
  content_request request;
  request.method = "POST";
  request.body = basic_store;
  request.by_server = true;
  return plan_content_put(view, request).tx;
}

bool has_builtins(const msg::object_view& view) {
  return !stored_version(view).empty();
}

} // namespace holdfast::api
