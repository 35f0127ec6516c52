#include "tools/holdfast/document.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sys/stat.h>
#include <vector>

namespace holdfast::cli {

namespace {

constexpr int deepest_yaml = 64;
constexpr int deepest_json = 512;
/// Aliases make a few bytes of YAML stand for any number of values.
constexpr std::size_t most_yaml_values = 1'000'000;

bool is_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

value text_value(const std::string& text, document::AllocatorType& alloc) {
  return value{text.c_str(), static_cast<rapidjson::SizeType>(text.size()), alloc};
}

/// YAML 1.2 core schema: a plain scalar is JSON when it reads as JSON, a quoted one is always a string.
value scalar_value(const YAML::Node& node, document::AllocatorType& alloc) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") {
    return text_value(text, alloc);
  }
  if (text.empty() || text == "~") {
    return value{};
  }
  document parsed{&alloc};
  if (!parsed.Parse(text.data(), text.size()).HasParseError() && !parsed.IsString()) {
    return value{static_cast<value&>(parsed), alloc};
  }
  return text_value(text, alloc);
}

value from_yaml(const YAML::Node& node, document::AllocatorType& alloc, int depth, std::size_t& values) {
  if (depth > deepest_yaml) {
    throw failure{"the YAML is nested more than 64 levels deep"};
  }
  if (++values > most_yaml_values) {
    throw failure{"the YAML stands for more than 1,000,000 values"};
  }
  switch (node.Type()) {
  case YAML::NodeType::Scalar:
    return scalar_value(node, alloc);
  case YAML::NodeType::Sequence: {
    value list{rapidjson::kArrayType};
    for (const auto& item : node) {
      list.PushBack(from_yaml(item, alloc, depth + 1, values), alloc);
    }
    return list;
  }
  case YAML::NodeType::Map: {
    value map{rapidjson::kObjectType};
    std::set<std::string> keys;
    for (const auto& pair : node) {
      const std::string& key = pair.first.Scalar();
      if (!keys.insert(key).second) {
        throw failure{"the YAML has the key '" + key + "' twice in one map"};
      }
      map.AddMember(text_value(key, alloc), from_yaml(pair.second, alloc, depth + 1, values), alloc);
    }
    return map;
  }
  default:
    return value{};
  }
}

/// What is done with values later goes down into them by recursion.
void check_depth(std::string_view text, std::string_view where) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      at += c == '\\' ? 1U : 0U;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest_json) {
        throw failure{std::string{where} + " is nested more than 512 levels deep"};
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// One operation with all four keys always there, as the existing client writes it.
void push_op(document& patch, const char* op, const std::string& path, const value* operand) {
  auto& alloc = patch.GetAllocator();
  value entry{rapidjson::kObjectType};
  entry.AddMember("op", rapidjson::StringRef(op), alloc);
  entry.AddMember("path", text_value(path, alloc), alloc);
  entry.AddMember("from", "", alloc);
  entry.AddMember("value", operand ? value{*operand, alloc} : value{}, alloc);
  patch.PushBack(entry, alloc);
}

struct patch_maker {
  document patch;
  bool with_tests = true;

  void test(const std::string& path, const value& old) {
    if (with_tests) {
      push_op(patch, "test", path, &old);
    }
  }

  void difference(const std::string& path, const value& before, const value& after) {
    if (before == after) {
      return;
    }
    if (!before.IsObject() || !after.IsObject()) {
      test(path, before);
      push_op(patch, "replace", path, &after);
      return;
    }
    for (const auto& member : before.GetObject()) {
      const std::string below = path + "/" + escape_pointer(member.name.GetString());
      const auto found = after.FindMember(member.name);
      if (found == after.MemberEnd()) {
        test(below, member.value);
        push_op(patch, "remove", below, nullptr);
      } else {
        difference(below, member.value, found->value);
      }
    }
    for (const auto& member : after.GetObject()) {
      if (before.FindMember(member.name) == before.MemberEnd()) {
        push_op(patch, "add", path + "/" + escape_pointer(member.name.GetString()), &member.value);
      }
    }
  }
};

} // namespace

document parse_json(std::string_view text, std::string_view where) {
  check_depth(text, where);
  document parsed;
  parsed.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (parsed.HasParseError()) {
    throw failure{std::string{where} +
                  " is not JSON: " + rapidjson::GetParseError_En(parsed.GetParseError()) + " (at byte " +
                  std::to_string(parsed.GetErrorOffset()) + ")"};
  }
  return parsed;
}

document parse_document(const std::string& text, const std::string& where) {
  document parsed;
  if (!parsed.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size()).HasParseError()) {
    check_depth(text, where);
    return parsed;
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      throw failure{where + " holds more than one YAML document"};
    }
    if (documents.empty() || (!documents[0].IsMap() && !documents[0].IsSequence())) {
      throw failure{where + " is neither JSON nor YAML"};
    }
    document out;
    std::size_t values = 0;
    static_cast<value&>(out) = from_yaml(documents[0], out.GetAllocator(), 0, values);
    return out;
  } catch (const YAML::Exception& error) {
    throw failure{where + " is neither JSON nor YAML: " + error.what()};
  }
}

std::string read_bytes(const std::string& path) {
  if (path == "-") {
    return {std::istreambuf_iterator<char>{std::cin}, {}};
  }
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    throw failure{"cannot read " + path};
  }
  return {std::istreambuf_iterator<char>{file}, {}};
}

document read_argument(const std::string& argument) {
  if (argument == "-") {
    return parse_document(read_bytes(argument), "standard input");
  }
  if (is_file(argument)) {
    return parse_document(read_bytes(argument), "the file " + argument);
  }
  return parse_document(argument, "the argument");
}

document word_to_json(const std::string& word) {
  document parsed;
  if (parsed.Parse(word.data(), word.size()).HasParseError()) {
    parsed.SetString(word.data(), static_cast<rapidjson::SizeType>(word.size()), parsed.GetAllocator());
  }
  return parsed;
}

std::string to_compact(const value& v) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  v.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

namespace {

value sorted_value(const value& v, document::AllocatorType& alloc) {
  if (v.IsArray()) {
    value list{rapidjson::kArrayType};
    for (const auto& item : v.GetArray()) {
      list.PushBack(sorted_value(item, alloc), alloc);
    }
    return list;
  }
  if (!v.IsObject()) {
    return value{v, alloc};
  }
  std::vector<value::ConstMemberIterator> members;
  for (auto it = v.MemberBegin(); it != v.MemberEnd(); ++it) {
    members.push_back(it);
  }
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
    return std::string_view{a->name.GetString()} < std::string_view{b->name.GetString()};
  });
  value map{rapidjson::kObjectType};
  for (const auto& member : members) {
    map.AddMember(value{member->name, alloc}, sorted_value(member->value, alloc), alloc);
  }
  return map;
}

} // namespace

document sorted(const value& v) {
  document out;
  static_cast<value&>(out) = sorted_value(v, out.GetAllocator());
  return out;
}

void merge(value& target, const value& change, document::AllocatorType& alloc) {
  if (!change.IsObject()) {
    target = value{change, alloc};
    return;
  }
  if (!target.IsObject()) {
    target.SetObject();
  }
  for (const auto& member : change.GetObject()) {
    auto found = target.FindMember(member.name);
    if (member.value.IsNull()) {
      if (found != target.MemberEnd()) {
        target.EraseMember(found);
      }
    } else if (found != target.MemberEnd()) {
      merge(found->value, member.value, alloc);
    } else {
      value fresh;
      merge(fresh, member.value, alloc);
      target.AddMember(value{member.name, alloc}, fresh, alloc);
    }
  }
}

document make_patch(const value& before, const value& after) {
  patch_maker maker;
  maker.patch.SetArray();
  maker.difference("", before, after);
  return std::move(maker.patch);
}

document make_patch_against(const value& reference, const value& before, const value& after) {
  patch_maker maker;
  maker.patch.SetArray();
  push_op(maker.patch, "test", "", &reference);
  maker.with_tests = false;
  maker.difference("", before, after);
  return std::move(maker.patch);
}

} // namespace holdfast::cli
