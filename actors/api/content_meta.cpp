#include "actors/api/content_meta.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace holdfast::api {
namespace {

constexpr std::array<std::string_view, 18> text_keys = {
    "Name",          "Version",    "Description", "Source", "Documentation", "RequiredFeatures",
    "Prerequisites", "Color",      "Icon",        "Author", "DisplayName",   "License",
    "Copyright",     "CodeSource", "Order",       "Tags",   "DocUrl",        "Type"};

struct known_store {
  std::string_view name, type;
  bool writable, overwritable;
};
constexpr std::array<known_store, 4> known_stores = {{{"BackingStore", "writable", true, false},
                                                      {"LocalStore", "local", false, true},
                                                      {"BasicStore", "basic", false, true},
                                                      {"DefaultStore", "default", false, true}}};

const known_store* find_known(std::string_view name) {
  const auto found = std::find_if(known_stores.begin(), known_stores.end(),
                                  [&](const known_store& s) { return s.name == name; });
  return found == known_stores.end() ? nullptr : &*found;
}

std::vector<unsigned> numbers(std::string_view version) {
  if (!version.empty() && (version.front() == 'v' || version.front() == 'V'))
    version.remove_prefix(1);
  version = version.substr(0, version.find('-'));
  std::vector<unsigned> out;
  while (!version.empty()) {
    const auto part = version.substr(0, version.find('.'));
    unsigned n = 0;
    std::from_chars(part.data(), part.data() + part.size(), n);
    out.push_back(n);
    version.remove_prefix(std::min(part.size() + 1, version.size()));
  }
  out.resize(std::max<std::size_t>(out.size(), 3));
  return out;
}

bool meets_one(const std::vector<unsigned>& version, std::string_view rule) {
  const auto digits = rule.find_first_not_of("<>=!");
  const auto op = rule.substr(0, digits);
  const auto wanted = numbers(digits == std::string_view::npos ? std::string_view() : rule.substr(digits));
  if (op == ">=")
    return version >= wanted;
  if (op == ">")
    return version > wanted;
  if (op == "<=")
    return version <= wanted;
  if (op == "<")
    return version < wanted;
  if (op == "!=")
    return version != wanted;
  return version == wanted;
}

} // namespace

std::optional<std::string> shape_content_meta(json::value& meta, json::allocator& memory) {
  if (meta.IsNull())
    meta.SetObject();
  if (!meta.IsObject())
    return "meta must be an object";
  json::value full(rapidjson::kObjectType);
  for (const auto key : text_keys) {
    auto* given = json::member_folded(meta, key);
    if (given && !given->IsString() && !given->IsNull())
      return "meta." + std::string(key) + " must be a string";
    full.AddMember(json::make_text(key, memory), json::make_text(given ? json::text(*given) : "", memory),
                   memory);
  }
  const auto* known = find_known(json::text_at(full, "Name"));
  if (known)
    json::set_member(full, "Type", json::make_text(known->type, memory), memory);
  else if (json::text_at(full, "Type").empty())
    json::set_member(full, "Type", json::make_text("dynamic", memory), memory);
  full.AddMember("Writable", json::value(known && known->writable), memory);
  full.AddMember("Overwritable", json::value(known && known->overwritable), memory);
  meta.Swap(full);
  return std::nullopt;
}

std::string layer_label(const json::value& meta) {
  return std::string(json::text_at(meta, "Type")) + "-" + std::string(json::text_at(meta, "Name"));
}

bool is_overwritable(std::string_view content_name) {
  const auto* known = find_known(content_name);
  return known && known->overwritable;
}

bool version_meets(std::string_view version, std::string_view requirement) {
  const auto have = numbers(version);
  while (!requirement.empty()) {
    const auto start = requirement.find_first_not_of(' ');
    if (start == std::string_view::npos)
      break;
    requirement.remove_prefix(start);
    const auto rule = requirement.substr(0, requirement.find(' '));
    if (!meets_one(have, rule))
      return false;
    requirement.remove_prefix(rule.size());
  }
  return true;
}

} // namespace holdfast::api
