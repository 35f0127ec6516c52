// A pack as a folder tree and back (the format is described in pack.hpp).
#include "tools/holdfast/output.hpp"
#include "tools/holdfast/pack.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <array>
#include <set>

namespace holdfast::cli {

namespace {

constexpr std::string_view meta_head = "._";
constexpr std::string_view meta_tail = ".meta";
constexpr std::array<std::string_view, 3> meta_maps{"meta.yaml", "meta.yml", "meta.json"};
constexpr std::size_t longest_name = 240; // a file system takes 255 bytes

bool is_flag(std::string_view meta_key) {
  return meta_key == "Writable" || meta_key == "Overwritable";
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_utf8(const std::string& text) {
  rapidjson::MemoryStream in{text.data(), text.size()};
  rapidjson::StringBuffer copy;
  while (in.Tell() < text.size()) {
    if (!rapidjson::UTF8<>::Validate(in, copy)) {
      return false;
    }
  }
  return true;
}

value text_value(std::string_view text, document::AllocatorType& alloc) {
  return value{text.data(), static_cast<rapidjson::SizeType>(text.size()), alloc};
}

void check_meta_key(std::string_view key) {
  const bool plain = !key.empty() && key.size() < 64 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!plain) {
    throw failure{"'" + std::string{key} + "' is no name for a piece of metadata"};
  }
}

/// Refuses a key whose file could lie anywhere but in its folder, or would not be found again.
void check_key(std::string_view key, const std::string& where) {
  const std::string framed = "/" + std::string{key} + "/";
  if (key.empty() || key.front() == '/' || framed.find("/../") != std::string::npos ||
      framed.find("/./") != std::string::npos || framed.find("//") != std::string::npos) {
    throw failure{where + ": the key is no name for a file (absolute, or with an empty, '.' or '..' part)"};
  }
  if (key.front() == '.' || has_control(key) || key.size() > longest_name) {
    throw failure{where + ": the key is no name for a file (hidden, too long, or with control characters)"};
  }
}

bool ends_with_format(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

/// A template that a plain file holds whole.
bool is_plain_template(std::string_view prefix, const value& object) {
  if (prefix != "templates" || object.MemberCount() != 2) {
    return false;
  }
  const auto id = object.FindMember("ID");
  const auto contents = object.FindMember("Contents");
  if (id == object.MemberEnd() || contents == object.MemberEnd() || !id->value.IsString() ||
      !contents->value.IsString()) {
    return false;
  }
  const std::string_view name{id->value.GetString(), id->value.GetStringLength()};
  return name.find('/') == std::string_view::npos && !ends_with_format(name);
}

/// The object's text; made sure that it reads back as the same object.
std::string object_text(const value& object, const std::string& format, const std::string& where) {
  output_options options;
  options.format = format;
  std::string text = render(object, options);
  if (parse_document(text, where) != object) {
    throw failure{where + " cannot be written as " + format + " without a loss"};
  }
  return text;
}

std::string free_name(const std::string& folder, std::string name, const std::string& tail,
                      std::set<std::string>& taken) {
  std::replace(name.begin(), name.end(), '/', '.');
  std::string path = folder + name + tail;
  for (int number = 2; !taken.insert(path).second; ++number) {
    path = folder + name + "-" + std::to_string(number) + tail;
  }
  return path;
}

void explode_section(const std::string& prefix, const value& section, const std::string& format,
                     std::vector<pack_file>& out) {
  const std::string folder = prefix + "/";
  out.push_back({folder, ""});
  std::set<std::string> taken;
  for (const auto& entry : section.GetObject()) {
    const std::string key{entry.name.GetString(), entry.name.GetStringLength()};
    const std::string where = folder + key;
    check_key(key, where);
    if (is_plain_template(prefix, entry.value)) {
      const value& contents = entry.value["Contents"];
      out.push_back({where, {contents.GetString(), contents.GetStringLength()}});
    } else {
      out.push_back({free_name(folder, key, "." + format, taken), object_text(entry.value, format, where)});
    }
  }
}

void set_meta(document& pack, std::string_view key, value what) {
  auto& alloc = pack.GetAllocator();
  value& meta = pack["meta"];
  const value name = text_value(key, alloc);
  const auto found = meta.FindMember(name);
  if (found != meta.MemberEnd()) {
    found->value = what;
  } else {
    meta.AddMember(text_value(key, alloc), what, alloc);
  }
}

void set_meta_text(document& pack, std::string_view key, const std::string& text, const std::string& where) {
  check_meta_key(key);
  if (!is_utf8(text)) {
    throw failure{where + " is not UTF-8 text"};
  }
  if (!is_flag(key)) {
    set_meta(pack, key, text_value(text, pack.GetAllocator()));
    return;
  }
  if (text != "true" && text != "false") {
    throw failure{where + " must be true or false"};
  }
  set_meta(pack, key, value{text == "true"});
}

void take_meta_map(document& pack, const pack_file& file) {
  const document map = parse_document(file.bytes, file.path);
  if (!map.IsObject()) {
    throw failure{file.path + " is no map of metadata"};
  }
  for (const auto& member : map.GetObject()) {
    const std::string key{member.name.GetString(), member.name.GetStringLength()};
    check_meta_key(key);
    if (is_flag(key) ? !member.value.IsBool() : !member.value.IsString()) {
      throw failure{file.path + ": " + key +
                    (is_flag(key) ? " must be true or false" : " must be a text (quote it)")};
    }
    set_meta(pack, key, value{member.value, pack.GetAllocator()});
  }
}

void check_name(const document& pack) {
  const value& meta = pack["meta"];
  const auto name = meta.FindMember("Name");
  if (name == meta.MemberEnd() || !name->value.IsString() || name->value.GetStringLength() == 0) {
    throw failure{
        "the pack has no Name: give Name=…, or write it to the file ._Name.meta (no line break at its end)"};
  }
  if (has_control({name->value.GetString(), name->value.GetStringLength()})) {
    throw failure{
        "the Name of the pack has a line break or control character in it; write the file ._Name.meta "
        "with: printf NAME > ._Name.meta"};
  }
}

void take_words(document& pack, const meta_words& words) {
  for (const auto& [key, text] : words) {
    set_meta_text(pack, key, text, key + "=");
  }
  check_name(pack);
}

document bare_pack() {
  document pack{rapidjson::kObjectType};
  pack.AddMember("meta", value{rapidjson::kObjectType}, pack.GetAllocator());
  pack.AddMember("sections", value{rapidjson::kObjectType}, pack.GetAllocator());
  return pack;
}

document object_of(const pack_file& file, const std::string& prefix, const std::string& name) {
  if (ends_with_format(name)) {
    return parse_document(file.bytes, file.path);
  }
  if (prefix != "templates") {
    throw failure{"no idea how to read " + file.path + ": objects are .yaml, .yml or .json files"};
  }
  if (!is_utf8(file.bytes)) {
    throw failure{file.path + " is not UTF-8 text"};
  }
  document object{rapidjson::kObjectType};
  auto& alloc = object.GetAllocator();
  object.AddMember("ID", text_value(name, alloc), alloc);
  object.AddMember("Contents", text_value(file.bytes, alloc), alloc);
  return object;
}

void take_object(document& pack, const pack_file& file, const std::string& prefix, const std::string& name) {
  auto& alloc = pack.GetAllocator();
  value& section = pack["sections"][prefix.c_str()];
  const document object = object_of(file, prefix, name);
  const std::string key = key_in_pack(prefix, object, file.path);
  if (section.FindMember(text_value(key, alloc)) != section.MemberEnd()) {
    throw failure{file.path + ": another file in " + prefix + " is the object " + key + " too"};
  }
  section.AddMember(text_value(key, alloc), value{object, alloc}, alloc);
}

/// Files of the first pass: folders and the maps of metadata.
void take_frame(document& pack, const pack_file& file) {
  auto& alloc = pack.GetAllocator();
  if (file.path.ends_with('/')) {
    const std::string prefix = file.path.substr(0, file.path.size() - 1);
    if (is_pack_section(prefix)) {
      pack["sections"].AddMember(text_value(prefix, alloc), value{rapidjson::kObjectType}, alloc);
    }
  } else if (std::find(meta_maps.begin(), meta_maps.end(), file.path) != meta_maps.end()) {
    take_meta_map(pack, file);
  }
}

void take_content(document& pack, const pack_file& file) {
  const auto slash = file.path.find('/');
  if (slash == std::string::npos) {
    if (file.path.starts_with(meta_head) && file.path.ends_with(meta_tail) &&
        file.path.size() > meta_head.size() + meta_tail.size()) {
      const auto length = file.path.size() - meta_head.size() - meta_tail.size();
      set_meta_text(pack, std::string_view{file.path}.substr(meta_head.size(), length), file.bytes,
                    file.path);
    }
    return;
  }
  const std::string prefix = file.path.substr(0, slash);
  const std::string name = file.path.substr(slash + 1);
  if (is_pack_section(prefix) && !name.empty() && name.front() != '.') {
    take_object(pack, file, prefix, name);
  }
}

} // namespace

std::vector<pack_file> explode(const value& pack, const std::string& format) {
  check_pack(pack);
  std::vector<pack_file> out;
  for (const auto& member : pack["meta"].GetObject()) {
    const std::string key{member.name.GetString(), member.name.GetStringLength()};
    check_meta_key(key);
    const std::string path = std::string{meta_head} + key + std::string{meta_tail};
    if (is_flag(key) && member.value.IsBool()) {
      out.push_back({path, member.value.GetBool() ? "true" : "false"});
    } else if (!is_flag(key) && member.value.IsString()) {
      out.push_back({path, {member.value.GetString(), member.value.GetStringLength()}});
    } else {
      throw failure{"meta." + key + (is_flag(key) ? " must be true or false" : " must be a text")};
    }
  }
  if (pack.HasMember("sections")) {
    for (const auto& section : pack["sections"].GetObject()) {
      explode_section(section.name.GetString(), section.value, format, out);
    }
  }
  std::sort(out.begin(), out.end(), [](const pack_file& a, const pack_file& b) { return a.path < b.path; });
  return out;
}

document collect(const std::vector<pack_file>& files, const meta_words& words) {
  document pack = bare_pack();
  for (const auto& file : files) {
    take_frame(pack, file);
  }
  for (const auto& file : files) {
    take_content(pack, file);
  }
  take_words(pack, words);
  return pack;
}

document empty_pack(const meta_words& words) {
  document pack = bare_pack();
  take_words(pack, words);
  return pack;
}

} // namespace holdfast::cli
