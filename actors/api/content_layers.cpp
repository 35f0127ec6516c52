#include "actors/api/content_layers.hpp"

#include "actors/api/content_meta.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/text_trim.hpp"

#include <algorithm>
#include <map>

namespace holdfast::api {
namespace {

using json::value;

constexpr json::limits pack_limits{std::size_t{16} << 20, 128};

[[noreturn]] void refuse(std::string_view name, std::string_view method, std::vector<std::string> messages,
                         unsigned code) {
  throw api_error({"contents", std::string(name), std::string(method), std::move(messages), code});
}

/// A pack in full form: {"meta": {...}, "sections": {prefix: {key: object}}}.
struct pack {
  json::document doc;
  value& meta() { return *json::member(doc, "meta"); }
  value& sections() { return *json::member(doc, "sections"); }
  std::string name() { return std::string(json::text_at(meta(), "Name")); }
};

pack decode_pack(const content_request& request) {
  pack out;
  if (auto why = json::parse(request.body, out.doc, pack_limits))
    throw api_error(undecodable(request.method, *why));
  if (!out.doc.IsObject())
    throw api_error(undecodable(request.method, "a content pack must be an object"));
  auto& memory = out.doc.GetAllocator();
  value meta, sections(rapidjson::kObjectType);
  if (auto* given = json::member_folded(out.doc, "meta"))
    meta.Swap(*given);
  if (auto* given = json::member_folded(out.doc, "sections"); given && !given->IsNull())
    sections.Swap(*given);
  if (auto why = shape_content_meta(meta, memory))
    throw api_error(undecodable(request.method, *why));
  if (!sections.IsObject())
    throw api_error(undecodable(request.method, "sections must be an object"));
  for (auto s = sections.MemberBegin(); s != sections.MemberEnd(); ++s)
    if (!s->value.IsObject())
      throw api_error(
          undecodable(request.method, "section " + std::string(json::text(s->name)) + " must be an object"));
  out.doc.SetObject();
  out.doc.AddMember("meta", meta, memory);
  out.doc.AddMember("sections", sections, memory);
  return out;
}

std::optional<pack> stored_pack(const write_draft& draft, std::string_view name) {
  const auto text = draft.get(contents_prefix, name);
  pack out;
  if (!text || json::parse(*text, out.doc, pack_limits))
    return std::nullopt;
  return out;
}

void check_features(pack& p, const content_request& request, std::vector<std::string>& why) {
  auto wanted = json::text_at(p.meta(), "RequiredFeatures");
  while (!wanted.empty()) {
    const auto end = std::min(wanted.find_first_of(", "), wanted.size());
    const auto feature = wanted.substr(0, end);
    if (!feature.empty() &&
        std::find(request.features.begin(), request.features.end(), feature) == request.features.end())
      why.push_back("Missing required feature " + std::string(feature));
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
  }
}

void check_prerequisites(pack& p, const write_draft& draft, std::vector<std::string>& why) {
  auto wanted = json::text_at(p.meta(), "Prerequisites");
  while (!wanted.empty()) {
    const auto end = std::min(wanted.find(','), wanted.size());
    const auto entry = trimmed(wanted.substr(0, end), " ");
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
    if (entry.empty())
      continue;
    const auto colon = entry.find(':');
    const auto name = trimmed(entry.substr(0, colon), " ");
    const auto rule =
        colon == std::string_view::npos ? std::string_view() : trimmed(entry.substr(colon + 1), " ");
    auto other = stored_pack(draft, name);
    if (!other)
      why.push_back("Missing prerequisite " + std::string(name));
    else if (!version_meets(json::text_at(other->meta(), "Version"), rule))
      why.push_back("Prerequisite " + std::string(name) + " has version " +
                    std::string(json::text_at(other->meta(), "Version")) + ", needs " + std::string(rule));
  }
}

void visit_objects(pack& p,
                   const std::function<void(const prefix_desc&, std::string_view key, value&)>& visit) {
  for (auto s = p.sections().MemberBegin(); s != p.sections().MemberEnd(); ++s) {
    const auto* desc = find_prefix(json::text(s->name));
    if (!desc || !desc->generic)
      continue;
    for (auto o = s->value.MemberBegin(); o != s->value.MemberEnd(); ++o)
      visit(*desc, json::text(o->name), o->value);
  }
}

/// Takes a pack's objects out, bringing back what they covered.
void withdraw(write_draft& draft, pack& p, bool restore) {
  const auto name = p.name();
  visit_objects(p, [&](const prefix_desc& desc, std::string_view key, value&) {
    const auto text = draft.get(desc.name, key);
    json::document doc;
    if (!text || json::parse(*text, doc) || json::text_at(doc, "Bundle") != name)
      return;
    remove_object(draft, desc, key);
    if (!restore)
      return;
    if (auto below = covered_object(draft, desc, key))
      put_object(draft, desc, key, below->object, below->object.GetAllocator(), below->pack, true);
  });
}

/// What stands in the way of one object of the pack; empty: nothing.
struct standing_object {
  bool skip = false;      ///< a higher layer covers it
  std::string overridden; ///< label of the layer it would override
};

standing_object look_below(const write_draft& draft, pack& p, const content_request& request,
                           const prefix_desc& desc, std::string_view key) {
  standing_object out;
  const auto text = draft.get(desc.name, key);
  json::document doc;
  if (!text || json::parse(*text, doc))
    return out;
  const std::string bundle(json::text_at(doc, "Bundle"));
  if (is_overwritable(p.name())) {
    out.skip = true;
  } else if (bundle.empty() || bundle == backing_store) {
    if (!request.replace_writable)
      out.overridden = "writable-BackingStore";
  } else if (!is_overwritable(bundle)) {
    auto other = stored_pack(draft, bundle);
    out.overridden = other ? layer_label(other->meta()) : "dynamic-" + bundle;
  }
  return out;
}

void insert(write_draft& draft, pack& p, const content_request& request, std::vector<std::string>& why) {
  const auto name = p.name();
  visit_objects(p, [&](const prefix_desc& desc, std::string_view key, value& raw) {
    const std::string where = std::string(desc.name) + ":" + std::string(key);
    auto below = look_below(draft, p, request, desc, key);
    if (!below.overridden.empty())
      why.push_back(where + " in layer " + layer_label(p.meta()) + " would override layer " +
                    below.overridden);
    if (below.skip || !below.overridden.empty())
      return;
    json::document object;
    object.CopyFrom(raw, object.GetAllocator());
    if (auto bad = shape_object(desc, object, object.GetAllocator())) {
      why.push_back(where + ": " + *bad);
      return;
    }
    if (key_of(desc, object) != key) {
      why.push_back(where + ": has key " + key_of(desc, object));
      return;
    }
    try {
      put_object(draft, desc, key, object, object.GetAllocator(), name, true);
    } catch (const api_error& refused) {
      for (const auto& text : refused.body().messages)
        why.push_back(where + ": " + text);
    }
  });
}

std::string summary(pack& p) {
  json::document out(rapidjson::kObjectType);
  auto& memory = out.GetAllocator();
  value meta, counts(rapidjson::kObjectType), warnings(rapidjson::kArrayType);
  meta.CopyFrom(p.meta(), memory);
  for (auto s = p.sections().MemberBegin(); s != p.sections().MemberEnd(); ++s) {
    const auto section = json::text(s->name);
    counts.AddMember(json::make_text(section, memory), value(s->value.MemberCount()), memory);
    if (!find_prefix(section))
      warnings.PushBack(
          json::make_text("Section " + std::string(section) + " is not known to this server", memory),
          memory);
  }
  out.AddMember("meta", meta, memory);
  out.AddMember("Counts", counts, memory);
  out.AddMember("Warnings", warnings, memory);
  return json::compact(out);
}

void check_name(const write_draft& draft, const content_request& request, const std::string& name) {
  const bool post = request.name.empty();
  if (name.empty())
    refuse("", request.method, {"Store at content- has no Name metadata"}, 422);
  if (post && !request.by_server && (name == backing_store || draft.exists(contents_prefix, name)))
    refuse(name, request.method, {"Content " + name + " already exists"}, 409);
  if (!post && (request.name == backing_store || request.name == "BasicStore"))
    refuse(request.name, request.method, {"Content " + request.name + " cannot be replaced"}, 409);
  if (!post && !draft.exists(contents_prefix, request.name))
    refuse(request.name, request.method, {"No such content store"}, 404);
  if (!post && name != request.name)
    refuse(request.name, request.method, {"Name metadata is " + name + ", not " + request.name}, 422);
}

} // namespace

write_plan plan_content_put(const msg::view_ptr& view, const content_request& request) {
  auto p = decode_pack(request);
  const auto name = p.name();
  write_draft draft(view);
  check_name(draft, request, name);
  std::vector<std::string> why;
  check_features(p, request, why);
  check_prerequisites(p, draft, why);
  if (auto before = stored_pack(draft, name))
    withdraw(draft, *before, true);
  insert(draft, p, request, why);
  if (!why.empty())
    refuse(name, request.method, std::move(why), 422);
  draft.put(contents_prefix, name, json::compact(p.doc));
  settle_references(draft);
  write_plan plan;
  plan.status = request.name.empty() ? 201 : 200;
  plan.body = summary(p);
  plan.tx = draft.take();
  return plan;
}

write_plan plan_content_delete(const msg::view_ptr& view, std::string_view name, std::string_view method) {
  write_draft draft(view);
  auto p = stored_pack(draft, name);
  if (name == backing_store || is_overwritable(name))
    refuse(name, method, {"Content " + std::string(name) + " cannot be deleted"}, 409);
  if (!p)
    refuse(name, method, {"No such content store"}, 404);
  draft.remove(contents_prefix, name);
  withdraw(draft, *p, true);
  settle_references(draft);
  write_plan plan;
  plan.status = 204;
  plan.tx = draft.take();
  return plan;
}

std::string content_summaries(const msg::object_view& view, std::string_view backing) {
  std::string out = "[" + std::string(backing);
  view.scan(contents_prefix, "", [&](std::string_view, const msg::object_ref& object) {
    pack p;
    if (!json::parse(object->json, p.doc, pack_limits))
      out += "," + summary(p);
    return true;
  });
  return out + "]";
}

std::optional<std::string> content_text(const msg::object_view& view, std::string_view name) {
  const auto stored = view.get(contents_prefix, name);
  return stored ? std::optional(stored->json) : std::nullopt;
}

std::optional<covered> covered_object(const write_draft& draft, const prefix_desc& desc,
                                      std::string_view key) {
  std::optional<covered> out;
  const auto quoted = json::quoted(key);
  draft.scan(contents_prefix, [&](std::string_view name, std::string_view text) {
    pack p;
    if (out || !is_overwritable(name) || text.find(quoted) == std::string_view::npos ||
        json::parse(text, p.doc, pack_limits))
      return;
    auto* section = json::member(p.sections(), desc.name);
    auto* found = section ? json::member(*section, key) : nullptr;
    if (!found)
      return;
    out.emplace();
    out->pack = name;
    out->object.CopyFrom(*found, out->object.GetAllocator());
    if (shape_object(desc, out->object, out->object.GetAllocator()))
      out.reset();
  });
  return out;
}

} // namespace holdfast::api
