#include "actors/api/filters.hpp"

#include "actors/api/name_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace holdfast::api {
namespace {

constexpr std::size_t longest_pattern = 256;
constexpr int largest_repeat = 64;
constexpr int most_repeats = 2;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(at, from), text.size());
    out.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

std::optional<filter_op> op_named(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, filter_op>, 11> names = {
      {{"eq", filter_op::eq},
       {"ne", filter_op::ne},
       {"lt", filter_op::lt},
       {"lte", filter_op::lte},
       {"gt", filter_op::gt},
       {"gte", filter_op::gte},
       {"re", filter_op::re},
       {"between", filter_op::between},
       {"except", filter_op::except},
       {"in", filter_op::in},
       {"nin", filter_op::nin}}};
  const auto wanted = lower(name);
  for (const auto& [known, op] : names)
    if (known == wanted)
      return op;
  return std::nullopt;
}

bool takes_list(filter_op op) {
  return op == filter_op::between || op == filter_op::except || op == filter_op::in || op == filter_op::nin;
}

error_body refused(const prefix_desc& desc, std::string_view method, std::string message) {
  return {std::string(desc.name), "", std::string(method), {std::move(message)}, 406};
}

/// Reads one argument as the index's type wants it; an error is the text of the refusal.
std::variant<filter_value, std::string> typed(const index_desc& index, const std::string& text) {
  if (index.type == "boolean") {
    const auto word = lower(text);
    if (word != "true" && word != "false")
      return std::string(index.name) + " must be true or false";
    return filter_value(word == "true");
  }
  if (index.type == "UUID string") {
    if (!is_uuid(text))
      return "Invalid UUID: " + text;
    return filter_value(lower(text));
  }
  if (index.type == "IP Address") {
    if (!is_address(text))
      return "Invalid address: " + text;
    return filter_value(address_key(text).value_or(text));
  }
  if (index.type == "dateTime" || index.type == "Date/Time string") {
    const auto time = parse_time(text);
    if (!time)
      return "Invalid time: " + text;
    return filter_value(*time);
  }
  return filter_value(text);
}

filter_value param_value(const json::value& v) {
  if (v.IsBool())
    return v.GetBool();
  if (v.IsNumber())
    return v.GetDouble();
  if (v.IsString())
    return std::string(json::text(v));
  return json::compact(v);
}

/// A param's argument is JSON when it reads as JSON, else text.
filter_value loose(const std::string& text) {
  json::document doc;
  if (!json::parse(text, doc, {4096, 32}) && !doc.IsNull())
    return param_value(doc);
  return text;
}

/// The engine's automaton grows with every counted repetition: keep both their number and their size small.
bool small_repeats(std::string_view pattern) {
  int repeats = 0;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '{')
      continue;
    ++repeats;
    int count = 0;
    for (++at; at < pattern.size() && pattern[at] != '}'; ++at)
      if (pattern[at] == ',')
        count = 0;
      else if (pattern[at] >= '0' && pattern[at] <= '9' &&
               (count = count * 10 + (pattern[at] - '0')) > largest_repeat)
        return false;
  }
  return repeats <= most_repeats;
}

/// Compiled for the engine that never backtracks, so that no pattern can hold the event loop.
std::variant<std::shared_ptr<const std::regex>, std::string> compile(std::string_view name,
                                                                     const std::string& pattern) {
  if (pattern.size() > longest_pattern || !small_repeats(pattern))
    return "Regular expression is too large: " + std::string(name);
  try {
    return std::make_shared<const std::regex>(pattern,
                                              std::regex::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error& bad) {
    return "Invalid regular expression for " + std::string(name) + ": " + bad.what();
  }
}

std::variant<filter, std::string> build_filter(const index_desc* index, std::string_view name,
                                               std::string_view text) {
  auto call = parse_filter_value(text);
  filter out;
  out.index = index;
  out.op = call.op;
  if (!index)
    out.param = name;
  if (call.op == filter_op::re) {
    if (index && !index->regex)
      return "Cannot use Re with index " + std::string(name);
    auto made = compile(name, call.args.front());
    if (auto* why = std::get_if<std::string>(&made))
      return std::move(*why);
    out.pattern = std::get<0>(std::move(made));
    return out;
  }
  if ((call.op == filter_op::between || call.op == filter_op::except) && call.args.size() != 2)
    return std::string(name) + (call.op == filter_op::between ? ": Between" : ": Except") +
           " needs two values";
  for (const auto& arg : call.args) {
    if (!index) {
      out.args.push_back(loose(arg));
      continue;
    }
    auto value = typed(*index, arg);
    if (auto* why = std::get_if<std::string>(&value))
      return std::move(*why);
    out.args.push_back(std::get<filter_value>(std::move(value)));
  }
  return out;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

/// Fills `out` from a key that is a meta-filter. False when the key is none; a refusal goes to `why`.
bool read_meta(const prefix_desc& desc, std::string_view key, std::string_view value, list_query& out,
               std::string& why) {
  if (key == "sort") {
    out.sort = desc.index(value);
    if (!out.sort)
      why = "Not an index: " + std::string(value);
    else if (out.sort->unordered)
      why = "Not sortable: " + std::string(value);
  } else if (key == "reverse") {
    out.reverse = lower(value) == "true";
  } else if (key == "offset" || key == "limit") {
    const bool limit = key == "limit";
    const auto n = whole_number(value);
    if (!n)
      why = std::string(limit ? "Limit" : "Offset") + " must be a number";
    else if (*n < 0)
      why = std::string(limit ? "Limit" : "Offset") + " cannot be negative";
    else if (limit)
      out.limit = static_cast<std::size_t>(*n);
    else
      out.offset = static_cast<std::size_t>(*n);
  } else if (key == "slim") {
    for (const auto& part : split(lower(value), ',')) {
      out.slim_meta = out.slim_meta || part == "meta";
      out.slim_params = out.slim_params || part == "params";
    }
  } else if (key == "params") {
    out.only_params = desc.has_params;
    out.params = split(value, ',');
  } else {
    return false;
  }
  return true;
}

bool is_transport_key(std::string_view key) {
  return key == "decode" || key == "consistency" || key == "force" || key == "aggregate" || key == "token";
}

const json::value* at_path(const json::value& object, std::string_view path) {
  const json::value* at = &object;
  while (at && !path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    at = json::member(*at, path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

bool ordered_match(filter_op op, const std::vector<filter_value>& args, const filter_value& v) {
  const auto same = [&](const filter_value& a) { return !less_value(a, v) && !less_value(v, a); };
  switch (op) {
  case filter_op::eq:
    return same(args[0]);
  case filter_op::ne:
    return !same(args[0]);
  case filter_op::lt:
    return less_value(v, args[0]);
  case filter_op::lte:
    return !less_value(args[0], v);
  case filter_op::gt:
    return less_value(args[0], v);
  case filter_op::gte:
    return !less_value(v, args[0]);
  case filter_op::between:
    return !less_value(v, args[0]) && !less_value(args[1], v);
  case filter_op::except:
    return less_value(v, args[0]) || less_value(args[1], v);
  case filter_op::in:
    return std::any_of(args.begin(), args.end(), same);
  case filter_op::nin:
    return std::none_of(args.begin(), args.end(), same);
  case filter_op::re:
    return false;
  }
  return false;
}

bool negative(filter_op op) {
  return op == filter_op::ne || op == filter_op::nin || op == filter_op::except;
}

filter_op positive(filter_op op) {
  return op == filter_op::ne ? filter_op::eq : op == filter_op::nin ? filter_op::in : filter_op::between;
}

bool matches_one(const filter& f, filter_op op, const filter_value& v) {
  if (op != filter_op::re)
    return ordered_match(op, f.args, v);
  const auto* text = std::get_if<std::string>(&v);
  return text && text->size() <= 4096 && std::regex_search(*text, *f.pattern);
}

/// Lists match when any element does; negative operators when none does. Maps stand for their keys.
bool matches_list(const filter& f, const json::value* found) {
  const bool inverted = negative(f.op);
  const filter_op op = inverted ? positive(f.op) : f.op;
  bool any = false;
  if (found && found->IsArray())
    for (const auto& item : found->GetArray())
      any = any || matches_one(f, op, filter_value(std::string(json::text(item))));
  if (found && found->IsObject())
    for (auto m = found->MemberBegin(); m != found->MemberEnd(); ++m)
      any = any || matches_one(f, op, filter_value(std::string(json::text(m->name))));
  return any != inverted;
}

bool matches(const filter& f, const json::value& object) {
  if (!f.index) {
    const auto* params = json::member(object, "Params");
    const auto* found = params ? json::member(*params, f.param) : nullptr;
    return found ? matches_one(f, f.op, param_value(*found)) : negative(f.op);
  }
  if (f.index->type == "list")
    return matches_list(f, at_path(object, f.index->path));
  return matches_one(f, f.op, index_value(*f.index, object));
}

} // namespace

filter_call parse_filter_value(std::string_view text) {
  const auto open = text.find('(');
  if (open != std::string_view::npos && text.back() == ')') {
    if (const auto op = op_named(text.substr(0, open))) {
      const auto inner = text.substr(open + 1, text.size() - open - 2);
      if (takes_list(*op))
        return {*op, split(inner, ',')};
      return {*op, {std::string(inner)}};
    }
  }
  return {filter_op::eq, {std::string(text)}};
}

std::variant<list_query, error_body> parse_list_query(const prefix_desc& desc, query_pairs query,
                                                      std::string_view method,
                                                      const std::function<bool(std::string_view)>& is_param) {
  list_query out;
  for (const auto& [key, value] : query) {
    std::string why;
    const auto* index = desc.index(key);
    if (!index && read_meta(desc, key, value, out, why)) {
      if (!why.empty())
        return refused(desc, method, why);
      continue;
    }
    if (!index && is_transport_key(key))
      continue;
    if (!index && !(desc.has_params && is_param(key)))
      return refused(desc, method, "Filter not found: " + key);
    auto made = build_filter(index, key, value);
    if (auto* text = std::get_if<std::string>(&made))
      return refused(desc, method, *text);
    out.filters.push_back(std::get<filter>(std::move(made)));
  }
  return out;
}

bool passes(const std::vector<filter>& filters, const json::value& object) {
  return std::all_of(filters.begin(), filters.end(), [&](const filter& f) { return matches(f, object); });
}

filter_value index_value(const index_desc& index, const json::value& object) {
  const auto* found = at_path(object, index.path);
  if (index.type == "boolean")
    return found && (found->IsTrue() || (found->IsArray() && !found->Empty()));
  if (!found)
    return std::string();
  if (found->IsNumber())
    return found->GetDouble();
  const std::string text(json::text(*found));
  if (index.type == "dateTime" || index.type == "Date/Time string")
    return parse_time(text).value_or(*parse_time(zero_time));
  if (index.type == "IP Address")
    return address_key(text).value_or(text);
  return text;
}

bool less_value(const filter_value& a, const filter_value& b) {
  return a < b;
}

void reshape(const list_query& query, const prefix_desc& desc, json::value& object, json::allocator& memory) {
  bool touched = false;
  if (query.slim_meta && desc.has(meta_group)) {
    json::set_member(object, "Meta", json::value(rapidjson::kObjectType), memory);
    touched = true;
  }
  if (desc.has_params && query.only_params) {
    json::value kept(rapidjson::kObjectType);
    auto* params = json::member(object, "Params");
    for (const auto& name : query.params)
      if (auto* found = params ? json::member(*params, name) : nullptr)
        if (!json::member(kept, name))
          kept.AddMember(json::make_text(name, memory), *found, memory);
    json::set_member(object, "Params", std::move(kept), memory);
    touched = true;
  } else if (desc.has_params && query.slim_params) {
    json::set_member(object, "Params", json::value(rapidjson::kObjectType), memory);
    touched = true;
  }
  if (touched && desc.has(partialed))
    json::set_member(object, "Partial", json::value(true), memory);
}

} // namespace holdfast::api
