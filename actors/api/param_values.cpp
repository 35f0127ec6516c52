#include "actors/api/param_values.hpp"

#include "actors/api/json_patch.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/validation.hpp"

#include <algorithm>
#include <set>

namespace holdfast::api {
namespace {

using json::value;

class aggregation {
public:
  aggregation(const msg::object_view& view, json::document& out, bool compose)
      : view_(view), out_(out), compose_(compose) {}

  void add_object(const value& object) {
    if (const auto* params = json::member(object, "Params"))
      add(*params);
    if (const auto* profiles = json::member(object, "Profiles"); profiles && profiles->IsArray())
      for (const auto& name : profiles->GetArray())
        add_stored("profiles", json::text(name));
  }

  void add_stored(std::string_view prefix, std::string_view key) {
    if (key.empty() || !seen_.emplace(prefix, key).second)
      return;
    const auto stored = view_.get(prefix, key);
    json::document doc;
    if (stored && !json::parse(stored->json, doc))
      add_object(doc);
  }

  void add_defaults() {
    view_.scan("params", "", [&](std::string_view name, const msg::object_ref& stored) {
      json::document doc;
      if (stored->json.find("\"default\"") == std::string::npos || json::parse(stored->json, doc))
        return true;
      const auto* schema = json::member(doc, "Schema");
      const auto* fallback = schema ? json::member(*schema, "default") : nullptr;
      if (fallback)
        add_one(name, *fallback);
      return true;
    });
  }

private:
  void add(const value& params) {
    if (params.IsObject())
      for (auto m = params.MemberBegin(); m != params.MemberEnd(); ++m)
        add_one(json::text(m->name), m->value);
  }

  void add_one(std::string_view name, const value& v) {
    auto& memory = out_.GetAllocator();
    value copy;
    copy.CopyFrom(v, memory);
    auto* known = json::member(out_, name);
    if (!known)
      out_.AddMember(json::make_text(name, memory), copy, memory);
    else if (compose_)
      merge(*known, copy);
  }

  void merge(value& upper, value& lower) {
    auto& memory = out_.GetAllocator();
    if (upper.IsArray() && lower.IsArray()) {
      for (auto& item : lower.GetArray())
        upper.PushBack(item, memory);
    } else if (upper.IsObject() && lower.IsObject()) {
      for (auto m = lower.MemberBegin(); m != lower.MemberEnd(); ++m) {
        if (auto* known = json::member(upper, json::text(m->name)))
          merge(*known, m->value);
        else
          upper.AddMember(m->name, m->value, memory);
      }
    }
  }

  const msg::object_view& view_;
  json::document& out_;
  bool compose_;
  std::set<std::pair<std::string, std::string>> seen_;
};

struct target {
  json::document object;
  std::string key;
  server_fields server;
};

/// The object a sub-resource belongs to; a missing one is an error of the object (contract §3.8).
target fetch_draft(const write_draft& draft, const write_request& request) {
  const auto& desc = *request.desc;
  target out;
  const auto key = locate(desc, request.key, draft.base());
  if (!key)
    throw api_error(not_found(request.method, desc.name, request.key));
  out.key = *key;
  const auto refuse = [&](std::string text, unsigned code) {
    throw api_error({std::string(desc.name), out.key, request.method, {std::move(text)}, code});
  };
  if (json::parse(*draft.get(desc.name, out.key), out.object))
    refuse("stored object cannot be read", 500);
  out.server = get_server_fields(out.object);
  if (out.server.read_only)
    refuse("ReadOnly", 403);
  if (json::flag_at(out.object, "Locked"))
    refuse("Locked", 409);
  return out;
}

write_plan store_back(write_draft& draft, const write_request& request, target& t, std::string body) {
  put_object(draft, *request.desc, t.key, t.object, t.object.GetAllocator(), t.server.bundle, false);
  draft.forget_if_unchanged(request.desc->name, t.key);
  settle_references(draft);
  write_plan plan;
  plan.body = std::move(body);
  plan.tx = draft.take();
  return plan;
}

void decode_body(const write_request& request, json::document& out) {
  if (auto why = json::parse(request.body, out))
    throw api_error(undecodable(request.method, *why));
}

value& map_of(target& t, std::string_view field) {
  if (!json::member(t.object, field))
    json::set_member(t.object, field, value(rapidjson::kObjectType), t.object.GetAllocator());
  return *json::member(t.object, field);
}

/// Applies the body as a JSON patch to one map of the object.
void patch_map(const write_request& request, target& t, std::string_view field) {
  json::document body;
  decode_body(request, body);
  auto decoded = decode_patch(body);
  if (auto* why = std::get_if<std::string>(&decoded))
    throw api_error(undecodable(request.method, *why));
  const auto& steps = std::get<0>(decoded);
  auto& memory = t.object.GetAllocator();
  value changed;
  changed.CopyFrom(map_of(t, field), memory);
  if (auto failed = apply_patch(steps, changed, memory))
    throw api_error({std::string(request.desc->name), t.key, "PATCH", patch_messages(steps, *failed), 409});
  if (!changed.IsObject())
    throw api_error(undecodable(request.method, std::string(field) + " must be an object"));
  map_of(t, field) = changed;
}

void check_values(const write_request& request, const target& t, const write_draft& draft) {
  const auto* params = json::member(t.object, "Params");
  std::vector<std::string> messages;
  if (params && params->IsObject())
    for (auto m = params->MemberBegin(); m != params->MemberEnd(); ++m)
      if (auto text = param_violation(json::text(m->name), m->value, draft); !text.empty())
        messages.push_back(std::move(text));
  if (!messages.empty())
    throw api_error({std::string(request.desc->name), t.key, request.method, std::move(messages), 422});
}

} // namespace

json::document params_of(const msg::object_view& view, const prefix_desc& desc, const value& object,
                         const param_query& query) {
  json::document out(rapidjson::kObjectType);
  auto& memory = out.GetAllocator();
  if (query.aggregate) {
    aggregation sum(view, out, query.compose);
    sum.add_object(object);
    if (desc.name == "machines")
      sum.add_stored("stages", json::text_at(object, "Stage"));
    sum.add_stored("profiles", "global");
    sum.add_defaults();
  } else if (const auto* params = json::member(object, "Params"); params && params->IsObject()) {
    out.CopyFrom(*params, memory);
  }
  if (!query.only)
    return out;
  json::document kept(rapidjson::kObjectType);
  for (const auto& name : query.names)
    if (const auto* found = json::member(std::as_const(out), name); found && !json::member(kept, name)) {
      value copy;
      copy.CopyFrom(*found, kept.GetAllocator());
      kept.AddMember(json::make_text(name, kept.GetAllocator()), copy, kept.GetAllocator());
    }
  return kept;
}

write_plan plan_params(const msg::view_ptr& view, const write_request& request, param_change what,
                       std::string_view param) {
  write_draft draft(view);
  auto t = fetch_draft(draft, request);
  auto& memory = t.object.GetAllocator();
  const std::string field = what == param_change::set_one || what == param_change::remove_one
                                ? "/Params/" + escape_pointer_token(param)
                                : "/Params";
  if (request.check)
    request.check("update:" + field, t.key);
  std::string answer;
  if (what == param_change::patch_all) {
    patch_map(request, t, "Params");
    answer = json::compact(map_of(t, "Params"));
  } else if (what == param_change::remove_one) {
    auto* found = json::member(map_of(t, "Params"), param);
    if (!found)
      throw api_error(not_found(request.method, "params", param));
    answer = json::compact(*found);
    map_of(t, "Params").RemoveMember(json::make_text(param, memory));
  } else {
    json::document body;
    decode_body(request, body);
    if (what == param_change::replace_all && !body.IsObject())
      throw api_error(undecodable(request.method, "params must be an object"));
    answer = json::compact(body);
    value copy;
    copy.CopyFrom(body, memory);
    if (what == param_change::replace_all)
      map_of(t, "Params") = copy;
    else
      json::set_member(map_of(t, "Params"), param, std::move(copy), memory);
  }
  check_values(request, t, draft);
  return store_back(draft, request, t, std::move(answer));
}

write_plan plan_meta(const msg::view_ptr& view, const write_request& request) {
  write_draft draft(view);
  auto t = fetch_draft(draft, request);
  if (request.check)
    request.check("update:/Meta", t.key);
  patch_map(request, t, "Meta");
  const auto& meta = map_of(t, "Meta");
  for (auto m = meta.MemberBegin(); m != meta.MemberEnd(); ++m)
    if (!m->value.IsString())
      throw api_error(undecodable(request.method, "Meta values must be strings"));
  return store_back(draft, request, t, json::compact(meta));
}

} // namespace holdfast::api
