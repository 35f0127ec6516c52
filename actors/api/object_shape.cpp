#include "actors/api/object_shape.hpp"

#include "actors/api/go_time.hpp"
#include "actors/api/name_rules.hpp"

namespace holdfast::api {
namespace {

using json::allocator;
using json::value;
using failure = std::optional<std::string>;

failure shape_fields(std::span<const field> fields, value& object, allocator& memory);

std::string mismatch(const value& v, std::string_view name, std::string_view wanted) {
  return std::string("json: cannot unmarshal ") + std::string(json::kind_word(v)) + " into field " +
         std::string(name) + " of type " + std::string(wanted);
}

value empty_value(const field& f, allocator& memory) {
  switch (f.kind) {
  case field_kind::boolean:
    return value(false);
  case field_kind::integer:
    return value(0);
  case field_kind::text_list:
  case field_kind::record_list:
    return value(rapidjson::kArrayType);
  case field_kind::text_map:
  case field_kind::any_map:
  case field_kind::record_map:
    return value(rapidjson::kObjectType);
  case field_kind::record: {
    value nested(rapidjson::kObjectType);
    for (const auto& inner : f.nested)
      if (!inner.omit_empty)
        nested.AddMember(json::make_text(inner.name, memory), empty_value(inner, memory), memory);
    return nested;
  }
  case field_kind::any:
    return value();
  case field_kind::time:
    return json::make_text(zero_time, memory);
  default:
    return json::make_text("", memory);
  }
}

bool is_empty(const value& v) {
  return v.IsNull() || v.IsFalse() || (v.IsString() && v.GetStringLength() == 0) ||
         (v.IsArray() && v.Empty()) || (v.IsObject() && v.ObjectEmpty()) ||
         (v.IsNumber() && v.GetDouble() == 0);
}

failure shape_text_list(const field& f, value& v, allocator& memory) {
  if (!v.IsArray())
    return mismatch(v, f.name, "[]string");
  for (auto& item : v.GetArray()) {
    if (item.IsNull())
      item = json::make_text("", memory);
    if (!item.IsString())
      return mismatch(item, f.name, "string");
  }
  return std::nullopt;
}

failure shape_map(const field& f, value& v, allocator& memory) {
  if (!v.IsObject())
    return mismatch(v, f.name, "map");
  for (auto m = v.MemberBegin(); m != v.MemberEnd(); ++m) {
    if (f.kind == field_kind::any_map)
      continue;
    if (f.kind == field_kind::record_map) {
      if (auto failed = shape_fields(f.nested, m->value, memory))
        return failed;
      continue;
    }
    if (m->value.IsNull())
      m->value = json::make_text("", memory);
    if (!m->value.IsString())
      return mismatch(m->value, f.name, "string");
  }
  return std::nullopt;
}

failure shape_text(const field& f, value& v, allocator& memory) {
  if (!v.IsString())
    return mismatch(v, f.name, "string");
  const auto text = json::text(v);
  if (f.kind == field_kind::time) {
    const auto normal = normal_time(text.empty() ? zero_time : text);
    if (!normal)
      return "parsing time " + json::quoted(text) + ": not an RFC 3339 time";
    v = json::make_text(*normal, memory);
  } else if (f.kind == field_kind::uuid && !text.empty()) {
    if (!is_uuid(text))
      return "Invalid UUID: " + std::string(text);
  } else if (f.kind == field_kind::address && !text.empty() && !is_address(text)) {
    return "invalid IP address: " + std::string(text);
  }
  return std::nullopt;
}

failure shape_value(const field& f, value& v, allocator& memory) {
  if (v.IsNull()) {
    v = empty_value(f, memory);
    return std::nullopt;
  }
  switch (f.kind) {
  case field_kind::boolean:
    return v.IsBool() ? failure() : mismatch(v, f.name, "bool");
  case field_kind::integer:
    return v.IsInt64() || v.IsUint64() ? failure() : mismatch(v, f.name, "int");
  case field_kind::text_list:
    return shape_text_list(f, v, memory);
  case field_kind::text_map:
  case field_kind::any_map:
  case field_kind::record_map:
    return shape_map(f, v, memory);
  case field_kind::any:
    return std::nullopt;
  case field_kind::record:
    return shape_fields(f.nested, v, memory);
  case field_kind::record_list:
    if (!v.IsArray())
      return mismatch(v, f.name, "array");
    for (auto& item : v.GetArray())
      if (auto failed = shape_fields(f.nested, item, memory))
        return failed;
    return std::nullopt;
  default:
    return shape_text(f, v, memory);
  }
}

failure shape_into(std::span<const field> fields, value& source, value& target, allocator& memory) {
  for (const auto& f : fields) {
    value out;
    if (auto* given = json::member_folded(source, f.name))
      out.Swap(*given);
    if (auto failed = shape_value(f, out, memory))
      return failed;
    if (!f.omit_empty || !is_empty(out))
      target.AddMember(
          value(rapidjson::StringRef(f.name.data(), static_cast<rapidjson::SizeType>(f.name.size()))), out,
          memory);
  }
  return std::nullopt;
}

failure shape_fields(std::span<const field> fields, value& object, allocator& memory) {
  if (object.IsNull())
    object.SetObject();
  if (!object.IsObject())
    return "json: cannot unmarshal " + std::string(json::kind_word(object)) + " into object";
  value full(rapidjson::kObjectType);
  if (auto failed = shape_into(fields, object, full, memory))
    return failed;
  object.Swap(full);
  return std::nullopt;
}

constexpr field meta_fields[] = {{"Meta", field_kind::text_map}};

} // namespace

std::optional<std::string> shape_object(const prefix_desc& desc, value& object, allocator& memory) {
  if (!object.IsObject())
    return "json: cannot unmarshal " + std::string(json::kind_word(object)) + " into object";
  value full(rapidjson::kObjectType);
  put_server_fields(desc, full, {}, memory);
  if (desc.has(meta_group))
    if (auto failed = shape_into(meta_fields, object, full, memory))
      return failed;
  if (auto failed = shape_into(desc.fields, object, full, memory))
    return failed;
  if (desc.rule == key_rule::uuid)
    if (auto* key = json::member(full, desc.key_field))
      *key = json::make_text(stored_key(desc, json::text(*key)), memory);
  object.Swap(full);
  return std::nullopt;
}

void put_server_fields(const prefix_desc& desc, value& object, const server_fields& fields,
                       allocator& memory) {
  if (desc.has(validation)) {
    value errors(rapidjson::kArrayType);
    for (const auto& text : fields.errors)
      errors.PushBack(json::make_text(text, memory), memory);
    json::set_member(object, "Validated", value(fields.validated), memory);
    json::set_member(object, "Available", value(fields.available), memory);
    json::set_member(object, "Errors", std::move(errors), memory);
  }
  if (desc.has(access_group))
    json::set_member(object, "ReadOnly", value(fields.read_only), memory);
  if (desc.has(owned))
    json::set_member(object, "Endpoint", json::make_text(fields.endpoint, memory), memory);
  if (desc.has(bundled))
    json::set_member(object, "Bundle", json::make_text(fields.bundle, memory), memory);
  if (desc.has(partialed))
    json::set_member(object, "Partial", value(fields.partial), memory);
}

server_fields get_server_fields(const value& object) {
  server_fields out;
  out.validated = json::flag_at(object, "Validated");
  out.available = json::flag_at(object, "Available");
  out.read_only = json::flag_at(object, "ReadOnly");
  out.endpoint = json::text_at(object, "Endpoint");
  out.bundle = json::text_at(object, "Bundle");
  if (const auto* errors = json::member(object, "Errors"); errors && errors->IsArray())
    for (const auto& text : errors->GetArray())
      out.errors.emplace_back(json::text(text));
  return out;
}

std::string key_of(const prefix_desc& desc, const value& object) {
  return stored_key(desc, json::text_at(object, desc.key_field));
}

} // namespace holdfast::api
