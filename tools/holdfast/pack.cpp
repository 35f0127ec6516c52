#include "tools/holdfast/pack.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace holdfast::cli {

namespace {

struct section_key {
  std::string_view prefix;
  const char* member;
};
constexpr std::array<section_key, 23> section_keys{{
    {"bootenvs", "Name"},         {"catalog_items", "Id"},  {"contexts", "Name"},
    {"endpoints", "Id"},          {"jobs", "Uuid"},         {"leases", "Addr"},
    {"machines", "Uuid"},         {"params", "Name"},       {"plugins", "Name"},
    {"plugin_providers", "Name"}, {"pools", "Id"},          {"preferences", "Name"},
    {"profiles", "Name"},         {"reservations", "Addr"}, {"roles", "Name"},
    {"stages", "Name"},           {"subnets", "Name"},      {"tasks", "Name"},
    {"templates", "ID"},          {"tenants", "Name"},      {"users", "Name"},
    {"version_sets", "Id"},       {"workflows", "Name"},
}};

const section_key* find_section(std::string_view prefix) {
  const auto* found = std::find_if(section_keys.begin(), section_keys.end(),
                                   [&](const section_key& s) { return s.prefix == prefix; });
  return found == section_keys.end() ? nullptr : found;
}

/// Leases and reservations are kept under the address in upper-case hexadecimal.
std::string address_key(const std::string& text) {
  std::array<unsigned char, 4> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) != 1) {
    return text;
  }
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789ABCDEF"[byte >> 4U];
    out += "0123456789ABCDEF"[byte & 15U];
  }
  return out;
}

std::string text_of(const value& v) {
  return {v.GetString(), v.GetStringLength()};
}

void check_section(const std::string& prefix, const value& section) {
  if (!is_pack_section(prefix)) {
    throw failure{"the pack has a section '" + prefix + "', and there are no objects of that kind"};
  }
  if (!section.IsObject()) {
    throw failure{"the section " + prefix + " is no map of objects"};
  }
  for (const auto& entry : section.GetObject()) {
    const std::string key = text_of(entry.name);
    const std::string where = prefix + "/" + key;
    if (!entry.value.IsObject()) {
      throw failure{where + " is no object"};
    }
    const std::string own = key_in_pack(prefix, entry.value, where);
    if (own != key) {
      throw failure{where + " has the key " + own + " inside: give both the same"};
    }
  }
}

const value& member_of(const value& object, const char* name) {
  static const value none{rapidjson::kObjectType};
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? none : found->value;
}

std::string text_member(const value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsString() ? text_of(found->value) : std::string{};
}

/// One text after a blank line, when there is any.
void add_paragraph(std::string& out, std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  if (!text.empty()) {
    out += "\n" + text + "\n";
  }
}

} // namespace

bool is_pack_section(std::string_view prefix) {
  return find_section(prefix) != nullptr;
}

std::string key_in_pack(std::string_view prefix, const value& object, const std::string& where) {
  const auto* section = find_section(prefix);
  const char* member = section ? section->member : "Name";
  if (!object.IsObject()) {
    throw failure{where + " is no object"};
  }
  const std::string key = text_member(object, member);
  if (key.empty()) {
    throw failure{where + " has no " + member};
  }
  return std::string_view{member} == "Addr" ? address_key(key) : key;
}

void check_pack(const value& pack) {
  if (!pack.IsObject()) {
    throw failure{"a content pack is a map with meta and sections"};
  }
  for (const auto& member : pack.GetObject()) {
    const std::string name = text_of(member.name);
    if (name != "meta" && name != "sections") {
      throw failure{"a content pack has meta and sections, not '" + name + "'"};
    }
    if (!member.value.IsObject()) {
      throw failure{"the " + name + " of a content pack is a map"};
    }
  }
  if (text_member(member_of(pack, "meta"), "Name").empty()) {
    throw failure{"the pack has no Name in its meta"};
  }
  for (const auto& section : member_of(pack, "sections").GetObject()) {
    check_section(text_of(section.name), section.value);
  }
}

std::string format_of(const std::string& file) {
  const auto slash = file.find_last_of('/');
  const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
  const auto dot = name.find_last_of('.');
  const std::string extension = dot == std::string::npos ? "" : name.substr(dot);
  if (extension == ".json") {
    return "json";
  }
  if (extension == ".yaml" || extension == ".yml") {
    return "yaml";
  }
  throw failure{"Unknown store extension '" + extension + "' of " + file + ": use .json, .yaml or .yml"};
}

std::string pack_markdown(const value& pack) {
  const document ordered = sorted(pack);
  const value& meta = member_of(ordered, "meta");
  const std::string version = text_member(meta, "Version");
  std::string out = "# " + text_member(meta, "Name") + "\n";
  add_paragraph(out, version.empty() ? "" : "Version " + version);
  add_paragraph(out, text_member(meta, "Description"));
  add_paragraph(out, text_member(meta, "Documentation"));
  for (const auto& section : member_of(ordered, "sections").GetObject()) {
    if (section.value.ObjectEmpty()) {
      continue;
    }
    out += "\n## " + text_of(section.name) + "\n";
    for (const auto& entry : section.value.GetObject()) {
      out += "\n### `" + text_of(entry.name) + "`\n";
      add_paragraph(out, text_member(entry.value, "Description"));
      add_paragraph(out, text_member(entry.value, "Documentation"));
    }
  }
  return out;
}

} // namespace holdfast::cli
