#include "actors/api/json_patch.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::api {
namespace {

using json::value;
using reason = std::optional<std::string>;

std::optional<std::vector<std::string>> split_pointer(std::string_view text) {
  std::vector<std::string> tokens;
  if (text.empty())
    return tokens;
  if (text.front() != '/')
    return std::nullopt;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '/') {
      tokens.emplace_back();
    } else if (text[at] != '~') {
      tokens.back() += text[at];
    } else if (at + 1 < text.size() && (text[at + 1] == '0' || text[at + 1] == '1')) {
      tokens.back() += text[++at] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return tokens;
}

std::optional<patch_op> op_of(std::string_view name) {
  if (name == "add")
    return patch_op::add;
  if (name == "remove")
    return patch_op::remove;
  if (name == "replace")
    return patch_op::replace;
  if (name == "move")
    return patch_op::move;
  if (name == "copy")
    return patch_op::copy;
  if (name == "test")
    return patch_op::test;
  return std::nullopt;
}

std::string_view op_name(patch_op op) {
  switch (op) {
  case patch_op::add:
    return "add";
  case patch_op::remove:
    return "remove";
  case patch_op::replace:
    return "replace";
  case patch_op::move:
    return "move";
  case patch_op::copy:
    return "copy";
  case patch_op::test:
    return "test";
  }
  return "";
}

/// RFC 6901 §4: no sign, no leading zero.
std::optional<std::size_t> array_index(std::string_view token) {
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token.front() == '0'))
    return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  return error == std::errc() && end == token.data() + token.size() ? std::optional(index) : std::nullopt;
}

std::string missing(std::string_view pointer) {
  return '`' + std::string(pointer) + "` does not point to an existing location";
}

value* child(value& parent, std::string_view token) {
  if (parent.IsObject())
    return json::member(parent, token);
  if (!parent.IsArray())
    return nullptr;
  const auto index = array_index(token);
  return index && *index < parent.Size() ? &parent[static_cast<rapidjson::SizeType>(*index)] : nullptr;
}

value* resolve(value& root, const std::vector<std::string>& path, std::size_t length) {
  value* at = &root;
  for (std::size_t i = 0; at && i < length; ++i)
    at = child(*at, path[i]);
  return at;
}

value* resolve(value& root, const std::vector<std::string>& path) {
  return resolve(root, path, path.size());
}

reason add_at(value& root, const std::vector<std::string>& path, std::string_view pointer, value&& what,
              json::allocator& memory) {
  if (path.empty()) {
    root = what;
    return std::nullopt;
  }
  value* parent = resolve(root, path, path.size() - 1);
  if (!parent || (!parent->IsObject() && !parent->IsArray()))
    return missing(pointer);
  const std::string& token = path.back();
  if (parent->IsObject()) {
    json::set_member(*parent, token, std::move(what), memory);
    return std::nullopt;
  }
  const auto index = token == "-" ? std::optional<std::size_t>(parent->Size()) : array_index(token);
  if (!index || *index > parent->Size())
    return missing(pointer);
  parent->PushBack(what, memory);
  for (auto at = parent->Size() - 1; at > *index; --at)
    (*parent)[at].Swap((*parent)[at - 1]);
  return std::nullopt;
}

reason remove_at(value& root, const std::vector<std::string>& path, std::string_view pointer) {
  if (path.empty()) {
    root.SetNull();
    return std::nullopt;
  }
  value* parent = resolve(root, path, path.size() - 1);
  value* found = parent ? child(*parent, path.back()) : nullptr;
  if (!found)
    return missing(pointer);
  if (parent->IsArray()) {
    parent->Erase(found);
    return std::nullopt;
  }
  for (auto m = parent->MemberBegin(); m != parent->MemberEnd(); ++m)
    if (&m->value == found) {
      parent->EraseMember(m);
      break;
    }
  return std::nullopt;
}

bool is_prefix_of(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() < b.size() && std::equal(a.begin(), a.end(), b.begin());
}

reason transfer(const patch_step& step, value& target, json::allocator& memory) {
  value* source = resolve(target, step.from);
  if (!source)
    return missing(step.from_text);
  value taken;
  taken.CopyFrom(*source, memory);
  if (step.op == patch_op::move) {
    if (is_prefix_of(step.from, step.path))
      return "cannot move `" + step.from_text + "` into itself";
    if (auto failed = remove_at(target, step.from, step.from_text))
      return failed;
  }
  return add_at(target, step.path, step.path_text, std::move(taken), memory);
}

reason apply_step(const patch_step& step, value& target, json::allocator& memory) {
  value* here = nullptr;
  value fresh;
  switch (step.op) {
  case patch_op::test:
    here = resolve(target, step.path);
    return here && json::equal(*here, *step.value) ? reason() : reason("Test op failed.");
  case patch_op::add:
    fresh.CopyFrom(*step.value, memory);
    return add_at(target, step.path, step.path_text, std::move(fresh), memory);
  case patch_op::replace:
    here = resolve(target, step.path);
    if (!here)
      return missing(step.path_text);
    here->CopyFrom(*step.value, memory);
    return std::nullopt;
  case patch_op::remove:
    return remove_at(target, step.path, step.path_text);
  case patch_op::move:
  case patch_op::copy:
    return transfer(step, target, memory);
  }
  return "unknown op";
}

std::variant<patch_step, std::string> decode_step(const value& raw, std::size_t line) {
  const auto bad = [&](std::string_view why) {
    return "Patch line " + std::to_string(line) + ": " + std::string(why);
  };
  if (!raw.IsObject())
    return bad("must be an object");
  const auto op = op_of(json::text_at(raw, "op"));
  if (!op)
    return bad("unknown op " + json::quoted(json::text_at(raw, "op")));
  const auto* path = json::member(raw, "path");
  if (!path || !path->IsString())
    return bad("path is missing");
  patch_step step;
  step.op = *op;
  step.path_text = json::text(*path);
  auto tokens = split_pointer(step.path_text);
  if (!tokens)
    return bad("path is not a JSON pointer");
  step.path = std::move(*tokens);
  step.value = json::member(raw, "value");
  step.from_text = json::text_at(raw, "from");
  if (*op == patch_op::move || *op == patch_op::copy) {
    const auto* from = json::member(raw, "from");
    tokens = split_pointer(step.from_text);
    if (!from || !from->IsString() || !tokens)
      return bad("from is not a JSON pointer");
    step.from = std::move(*tokens);
  } else if (*op != patch_op::remove && !step.value) {
    return bad("value is missing");
  }
  return step;
}

} // namespace

std::variant<std::vector<patch_step>, std::string> decode_patch(const value& body) {
  if (!body.IsArray())
    return "a patch must be an array of operations";
  std::vector<patch_step> steps;
  steps.reserve(body.Size());
  for (const auto& raw : body.GetArray()) {
    auto step = decode_step(raw, steps.size());
    if (auto* why = std::get_if<std::string>(&step))
      return std::move(*why);
    steps.push_back(std::move(std::get<patch_step>(step)));
  }
  return steps;
}

bool deeper_than(const value& v, unsigned most) {
  if (!v.IsObject() && !v.IsArray())
    return false;
  if (most == 0)
    return true;
  if (v.IsArray())
    return std::any_of(v.Begin(), v.End(), [most](const value& item) { return deeper_than(item, most - 1); });
  return std::any_of(v.MemberBegin(), v.MemberEnd(),
                     [most](const auto& member) { return deeper_than(member.value, most - 1); });
}

std::optional<patch_failure> apply_patch(const std::vector<patch_step>& steps, value& target,
                                         json::allocator& memory, std::size_t max_bytes) {
  const std::size_t before = memory.Size();
  for (std::size_t line = 0; line < steps.size(); ++line) {
    if (auto failed = apply_step(steps[line], target, memory))
      return patch_failure{line, std::move(*failed)};
    if (memory.Size() - before > max_bytes)
      return patch_failure{line, "the result is too large"};
    const bool adds = steps[line].op != patch_op::test && steps[line].op != patch_op::remove;
    if (adds && deeper_than(target, json::limits{}.depth))
      return patch_failure{line, "the result is nested too deeply"};
  }
  return std::nullopt;
}

std::string patch_dump(const std::vector<patch_step>& steps) {
  json::document doc(rapidjson::kArrayType);
  auto& memory = doc.GetAllocator();
  for (const auto& step : steps) {
    value out(rapidjson::kObjectType);
    out.AddMember("op", json::make_text(op_name(step.op), memory), memory);
    out.AddMember("path", json::make_text(step.path_text, memory), memory);
    out.AddMember("from", json::make_text(step.from_text, memory), memory);
    value what;
    if (step.value)
      what.CopyFrom(*step.value, memory);
    out.AddMember("value", what, memory);
    doc.PushBack(out, memory);
  }
  return "Patch: " + json::pretty(doc);
}

std::vector<std::string> patch_messages(const std::vector<patch_step>& steps, const patch_failure& failure) {
  return {"Patch error at line " + std::to_string(failure.line) + ": " + failure.reason, patch_dump(steps)};
}

std::string escape_pointer_token(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

} // namespace holdfast::api
