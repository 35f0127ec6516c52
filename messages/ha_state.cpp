#include "messages/ha_state.hpp"

#include "messages/json_numbers.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <cctype>

namespace holdfast::msg {

namespace {

constexpr std::size_t largest_state_text = std::size_t{1} << 20;
constexpr std::size_t deepest = 32;

struct string_field {
  const char* name;
  std::string ha_state::*at;
};
struct bool_field {
  const char* name;
  bool ha_state::*at;
};

constexpr std::array<string_field, 10> string_fields{
    {{"ActiveUri", &ha_state::active_uri},
     {"ApiUrl", &ha_state::api_url},
     {"ConsensusAddr", &ha_state::consensus_addr},
     {"ConsensusID", &ha_state::consensus_id},
     {"ConsensusJoin", &ha_state::consensus_join},
     {"HaID", &ha_state::ha_id},
     {"Token", &ha_state::token},
     {"VirtAddr", &ha_state::virt_addr},
     {"VirtInterface", &ha_state::virt_interface},
     {"VirtInterfaceScript", &ha_state::virt_interface_script}}};
constexpr std::array<bool_field, 6> bool_fields{{{"ConsensusEnabled", &ha_state::consensus_enabled},
                                                 {"Enabled", &ha_state::enabled},
                                                 {"LoadBalanced", &ha_state::load_balanced},
                                                 {"Observer", &ha_state::observer},
                                                 {"Passive", &ha_state::passive},
                                                 {"Valid", &ha_state::valid}}};

/// RapidJSON's own tree is walked recursively by its writer, so depth is bounded before a tree is built.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest)
        return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::string read_roots(const rapidjson::Value& value, std::vector<trust_root>& out) {
  if (value.IsNull())
    return {};
  if (!value.IsArray())
    return "Roots is not a list";
  for (const auto& item : value.GetArray()) {
    trust_root root;
    if (!item.IsObject())
      return "Roots holds something that is not an object";
    for (const auto& member : item.GetObject()) {
      const auto name = text_of(member.name);
      if (member.value.IsNull())
        continue;
      if (name == "Key") {
        if (!member.value.IsString())
          return "Roots[].Key is not a string";
        root.key = text_of(member.value);
      } else if (name == "Data") {
        if (!member.value.IsArray())
          return "Roots[].Data is not a list";
        for (const auto& der : member.value.GetArray()) {
          if (!der.IsString())
            return "Roots[].Data holds something that is not a string";
          root.data.emplace_back(text_of(der));
        }
      }
    }
    out.push_back(std::move(root));
  }
  return {};
}

/// True when the name is one of ours; then `error` says whether the value was right.
bool read_known(std::string_view name, const rapidjson::Value& value, ha_state& out, std::string& error) {
  for (const auto& field : string_fields) {
    if (name == field.name) {
      if (value.IsString())
        out.*field.at = text_of(value);
      else
        error = std::string(name) + " is not a string";
      return true;
    }
  }
  for (const auto& field : bool_fields) {
    if (name == field.name) {
      if (value.IsBool())
        out.*field.at = value.GetBool();
      else
        error = std::string(name) + " is not true or false";
      return true;
    }
  }
  if (name == "Roots") {
    out.roots.clear();
    error = read_roots(value, out.roots);
    return true;
  }
  return false;
}

} // namespace

bool is_uuid(std::string_view text) {
  if (text.size() != 36)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

std::variant<parsed_ha_state, std::string> parse_ha_state(std::string_view text) {
  if (text.size() > largest_state_text)
    return "longer than 1 MiB";
  if (too_deep(text))
    return "nested too deeply";
  rapidjson::Document doc;
  rapidjson::ParseResult result;
  bool too_large = false;
  auto source = [&](rapidjson::Document& target) {
    constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
    exact_numbers numbers(target); // read exactly, so that an unknown setting is written back as it was
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> in(bytes);
    result = rapidjson::Reader().Parse<flags>(in, numbers);
    too_large = numbers.too_large();
    return !result.IsError();
  };
  doc.Populate(source);
  if (result.IsError())
    return std::string(too_large ? "A number is too large for double precision."
                                 : rapidjson::GetParseError_En(result.Code())) +
           " (at byte " + std::to_string(result.Offset()) + ")";
  if (!doc.IsObject())
    return "not a JSON object";
  parsed_ha_state out;
  std::string alias;
  for (const auto& member : doc.GetObject()) {
    const auto name = text_of(member.name);
    std::string error;
    if (name == "ActiveUrl" && member.value.IsString()) {
      alias = text_of(member.value);
      continue;
    }
    if (read_known(name, member.value, out.state, error)) {
      if (!error.empty())
        return error;
      continue;
    }
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    member.value.Accept(writer);
    out.state.unknown.emplace_back(std::string(name), std::string(buffer.GetString(), buffer.GetSize()));
  }
  if (out.state.active_uri.empty())
    out.state.active_uri = alias;
  out.legacy = doc.MemberCount() == 1 && doc.HasMember("Passive");
  return out;
}

std::string to_json(const ha_state& state, secrets how) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto text = [&](const char* name, const std::string& value) {
    out.Key(name);
    out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  const auto flag = [&](const char* name, bool value) {
    out.Key(name);
    out.Bool(value);
  };
  out.StartObject();
  text("ActiveUri", state.active_uri);
  text("ApiUrl", state.api_url);
  text("ConsensusAddr", state.consensus_addr);
  flag("ConsensusEnabled", state.consensus_enabled);
  text("ConsensusID", state.consensus_id);
  text("ConsensusJoin", state.consensus_join);
  flag("Enabled", state.enabled);
  text("HaID", state.ha_id);
  flag("LoadBalanced", state.load_balanced);
  flag("Observer", state.observer);
  flag("Passive", state.passive);
  out.Key("Roots");
  out.StartArray();
  for (const auto& root : state.roots) {
    out.StartObject();
    out.Key("Data");
    out.StartArray();
    for (const auto& der : root.data)
      out.String(der.data(), static_cast<rapidjson::SizeType>(der.size()));
    out.EndArray();
    text("Key", how == secrets::keep ? root.key : std::string());
    out.EndObject();
  }
  out.EndArray();
  text("Token", how == secrets::keep ? state.token : std::string());
  flag("Valid", state.valid);
  text("VirtAddr", state.virt_addr);
  text("VirtInterface", state.virt_interface);
  text("VirtInterfaceScript", state.virt_interface_script);
  for (const auto& [name, value] : state.unknown) {
    out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    out.RawValue(value.data(), value.size(), rapidjson::kObjectType);
  }
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace holdfast::msg
