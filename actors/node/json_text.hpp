// A few helpers around RapidJSON for the small objects this room reads and writes. Reading is bounded and
// iterative. Pure; any thread.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

/// True when `text` is one JSON object of at most 1 MiB.
[[nodiscard]] inline bool parse_object(std::string_view text, rapidjson::Document& out) {
  if (text.size() > (std::size_t{1} << 20))
    return false;
  out.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  return !out.HasParseError() && out.IsObject();
}

/// The member as that type, or an empty value.
[[nodiscard]] inline std::string text_at(const rapidjson::Value& object, const char* name) {
  const auto at = object.FindMember(name);
  return at != object.MemberEnd() && at->value.IsString()
             ? std::string(at->value.GetString(), at->value.GetStringLength())
             : std::string();
}
[[nodiscard]] inline bool flag_at(const rapidjson::Value& object, const char* name) {
  const auto at = object.FindMember(name);
  return at != object.MemberEnd() && at->value.IsBool() && at->value.GetBool();
}
[[nodiscard]] inline std::uint64_t number_at(const rapidjson::Value& object, const char* name) {
  const auto at = object.FindMember(name);
  return at != object.MemberEnd() && at->value.IsUint64() ? at->value.GetUint64() : 0;
}

/// JSON text of any value.
[[nodiscard]] inline std::string json_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  value.Accept(out);
  return {buffer.GetString(), buffer.GetSize()};
}

/// Writes one flat or nested object, member by member.
class json_object {
public:
  json_object() { out_.StartObject(); }
  json_object& text(const char* name, std::string_view value) {
    out_.Key(name);
    out_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  json_object& flag(const char* name, bool value) {
    out_.Key(name);
    out_.Bool(value);
    return *this;
  }
  json_object& number(const char* name, std::uint64_t value) {
    out_.Key(name);
    out_.Uint64(value);
    return *this;
  }
  /// `json` is taken as it is.
  json_object& raw(const char* name, const std::string& json) {
    out_.Key(name);
    out_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return *this;
  }
  /// Ends the object; once.
  [[nodiscard]] std::string take() {
    out_.EndObject();
    return {buffer_.GetString(), buffer_.GetSize()};
  }

private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

/// JSON text of one string.
[[nodiscard]] inline std::string json_string(std::string_view value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

/// A list of JSON texts.
[[nodiscard]] inline std::string json_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items)
    out += (out.size() > 1 ? "," : "") + item;
  return out + "]";
}

} // namespace holdfast::node
