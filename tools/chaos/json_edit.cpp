#include "tools/chaos/json_edit.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast::chaos {

namespace {

rapidjson::Document parse(std::string_view text) {
  rapidjson::Document doc;
  doc.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (doc.HasParseError())
    doc.SetNull();
  return doc;
}

std::string compact(const rapidjson::Value& value) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  value.Accept(writer);
  return out.GetString();
}

std::string plain(const rapidjson::Value& value) {
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : compact(value);
}

} // namespace

std::string text_of(std::string_view json) {
  const auto doc = parse(json);
  return doc.IsString() ? plain(doc) : std::string();
}

std::optional<std::string> member_of(std::string_view json, const std::string& name) {
  const auto doc = parse(json);
  if (!doc.IsObject() || !doc.HasMember(name.c_str()))
    return std::nullopt;
  return plain(doc[name.c_str()]);
}

std::string with_members(std::string_view json, const std::map<std::string, std::string>& values) {
  auto doc = parse(json);
  if (!doc.IsObject())
    doc.SetObject();
  auto& memory = doc.GetAllocator();
  for (const auto& [name, text] : values) {
    rapidjson::Value value;
    value.CopyFrom(parse(text), memory);
    rapidjson::Value key(name.c_str(), memory);
    if (doc.HasMember(name.c_str()))
      doc[name.c_str()] = value;
    else
      doc.AddMember(key, value, memory);
  }
  return compact(doc);
}

std::map<std::string, std::string> members_json(std::string_view from,
                                                const std::vector<std::string>& names) {
  std::map<std::string, std::string> out;
  const auto doc = parse(from);
  for (const auto& name : names) {
    if (doc.IsObject() && doc.HasMember(name.c_str()))
      out[name] = compact(doc[name.c_str()]);
  }
  return out;
}

std::string json_string(std::string_view text) {
  rapidjson::Value value(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return compact(value);
}

std::map<std::string, std::string> named(std::string_view list, std::string_view prefix) {
  std::map<std::string, std::string> out;
  const auto doc = parse(list);
  if (!doc.IsArray())
    return out;
  for (const auto& one : doc.GetArray()) {
    if (!one.IsObject() || !one.HasMember("Name") || !one["Name"].IsString())
      continue;
    std::string name = one["Name"].GetString();
    if (name.starts_with(prefix))
      out[std::move(name)] = one.HasMember("Description") ? plain(one["Description"]) : "";
  }
  return out;
}

std::vector<std::uint64_t> logged(std::string_view list, std::string_view prefix) {
  std::vector<std::uint64_t> out;
  const auto doc = parse(list);
  if (!doc.IsArray())
    return out;
  for (const auto& one : doc.GetArray()) {
    if (!one.IsObject() || !one.HasMember("Name") || !one["Name"].IsString() ||
        !std::string_view(one["Name"].GetString()).starts_with(prefix) || !one.HasMember("Params") ||
        !one["Params"].IsObject() || !one["Params"].HasMember("log") || !one["Params"]["log"].IsArray())
      continue;
    for (const auto& id : one["Params"]["log"].GetArray()) {
      if (id.IsUint64())
        out.push_back(id.GetUint64());
    }
  }
  return out;
}

std::vector<std::string> column(std::string_view list, const std::string& name) {
  std::vector<std::string> out;
  const auto doc = parse(list);
  if (!doc.IsArray())
    return out;
  for (const auto& one : doc.GetArray())
    out.push_back(one.IsObject() && one.HasMember(name.c_str()) ? plain(one[name.c_str()]) : "");
  return out;
}

} // namespace holdfast::chaos
