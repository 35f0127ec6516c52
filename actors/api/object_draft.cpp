// The lower level of object writes: putting and removing whole objects with their secondary indexes, and
// judging again what refers to them.
#include "actors/api/json_patch.hpp"
#include "actors/api/name_rules.hpp"
#include "actors/api/object_replace.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/validation.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace holdfast::api {
namespace {

/// Reverse references live in the store as `_refs` objects "target\nkey\nprefix\nkey", so that a new or
/// deleted object finds those who name it without a scan of every prefix.
constexpr std::string_view refs_prefix = "_refs";
constexpr char separator = '\n';
constexpr std::size_t most_settled = 20000;

using index_rows = std::set<std::pair<std::string, std::string>>; ///< hidden prefix, key

std::string ref_head(std::string_view target, std::string_view key) {
  return std::string(target) + separator + std::string(key) + separator;
}

index_rows rows_of(const prefix_desc& desc, std::string_view key, const json::value& object) {
  index_rows rows;
  for (const auto& index : desc.indexes)
    if (index.unique && index.path != desc.key_field)
      if (const auto value = json::text_at(object, index.path); !value.empty())
        rows.emplace(unique_prefix, unique_key(desc.name, index.name, value));
  for (const auto& ref : desc.references)
    for (const auto& name : referred(ref, object))
      rows.emplace(refs_prefix,
                   ref_head(ref.target, name) + std::string(desc.name) + separator + std::string(key));
  return rows;
}

bool has_rows(const prefix_desc& desc) {
  return !desc.references.empty() ||
         std::any_of(desc.indexes.begin(), desc.indexes.end(),
                     [&](const auto& i) { return i.unique && i.path != desc.key_field; });
}

index_rows stored_rows(const write_draft& draft, const prefix_desc& desc, std::string_view key) {
  const auto text = draft.get(desc.name, key);
  json::document doc;
  if (!text || json::parse(*text, doc))
    return {};
  return rows_of(desc, key, doc);
}

void replace_rows(write_draft& draft, const prefix_desc& desc, std::string_view key,
                  const json::value* object, const json::value* stored = nullptr) {
  if (!has_rows(desc))
    return;
  const auto before = stored ? rows_of(desc, key, *stored) : stored_rows(draft, desc, key);
  const auto after = object ? rows_of(desc, key, *object) : index_rows{};
  for (const auto& [prefix, row] : before)
    if (!after.contains({prefix, row}))
      draft.remove(prefix, row);
  for (const auto& [prefix, row] : after) {
    if (before.contains({prefix, row}))
      continue;
    if (prefix == unique_prefix && draft.exists(prefix, row)) {
      const auto value = row.substr(row.rfind('/') + 1);
      throw api_error({std::string(desc.name),
                       std::string(key),
                       "ValidationError",
                       {std::string(key) + ": Name " + value + " is already in use"},
                       422});
    }
    draft.put(prefix, row, json::quoted(key));
  }
}

/// What was judged by may not be gone, or another, by the time the judged object is written.
void rely(write_draft& draft, const verdict& judged) {
  for (const auto& [prefix, key, content] : judged.relied) {
    if (content)
      draft.expect_unchanged(prefix, key);
    else
      draft.expect_presence(prefix, key);
  }
}

void store(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
           json::allocator& memory, const verdict& judged, server_fields fields) {
  fields.validated = judged.refused.empty();
  fields.errors = judged.refused;
  fields.errors.insert(fields.errors.end(), judged.errors.begin(), judged.errors.end());
  fields.available = fields.errors.empty();
  put_server_fields(desc, object, fields, memory);
  draft.put(desc.name, key, json::compact(object));
}

void put(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
         json::allocator& memory, std::string_view bundle, bool read_only, const json::value* before) {
  // What is stored must be readable again under the limit of every other text.
  if (deeper_than(object, json::limits{}.depth))
    throw api_error(
        {std::string(desc.name),
         std::string(key),
         "ValidationError",
         {std::string(key) + ": nested more than " + std::to_string(json::limits{}.depth) + " deep"},
         422});
  const auto judged = validate(desc, key, object, draft);
  if (!judged.refused.empty())
    throw api_error({std::string(desc.name), std::string(key), "ValidationError", judged.refused, 422});
  rely(draft, judged);
  replace_rows(draft, desc, key, &object, before);
  server_fields fields;
  fields.bundle = bundle;
  fields.read_only = read_only;
  store(draft, desc, key, object, memory, judged, std::move(fields));
}

enum class standing { absent, unavailable, available };

standing standing_of(std::optional<std::string_view> text) {
  if (!text)
    return standing::absent;
  // Stored objects are compact and begin with the validation group.
  return text->substr(0, 64).find("\"Available\":false") == std::string_view::npos ? standing::available
                                                                                   : standing::unavailable;
}

standing standing_before(const write_draft& draft, std::string_view prefix, std::string_view key) {
  const auto stored = draft.base().get(prefix, key);
  return standing_of(stored ? std::optional<std::string_view>(stored->json) : std::nullopt);
}

struct name_pair {
  std::string prefix;
  std::string key;
};

std::vector<name_pair> referrers(const write_draft& draft, std::string_view target, std::string_view key) {
  const auto head = ref_head(target, key);
  std::vector<name_pair> out;
  draft.base().scan(refs_prefix, head, [&](std::string_view row, const msg::object_ref&) {
    if (row.substr(0, head.size()) != head)
      return false;
    const auto rest = row.substr(head.size());
    const auto at = rest.find(separator);
    if (at != std::string_view::npos)
      out.push_back({std::string(rest.substr(0, at)), std::string(rest.substr(at + 1))});
    return true;
  });
  draft.each_change([&](std::string_view prefix, std::string_view row, bool present) {
    if (present && prefix == refs_prefix && row.substr(0, head.size()) == head) {
      const auto rest = row.substr(head.size());
      const auto at = rest.find(separator);
      out.push_back({std::string(rest.substr(0, at)), std::string(rest.substr(at + 1))});
    }
  });
  return out;
}

/// Judges one stored object again. True when it changed.
bool judge_again(write_draft& draft, const name_pair& who) {
  const auto* desc = find_prefix(who.prefix);
  const auto text = draft.get(who.prefix, who.key);
  json::document doc;
  if (!desc || !text || json::parse(*text, doc))
    return false;
  const auto judged = validate(*desc, who.key, doc, draft);
  const std::string before(*text);
  store(draft, *desc, who.key, doc, doc.GetAllocator(), judged, get_server_fields(doc));
  if (*draft.get(who.prefix, who.key) != before) {
    rely(draft, judged);
    return true;
  }
  draft.forget_if_unchanged(who.prefix, who.key);
  return false;
}

} // namespace

std::string unique_key(std::string_view prefix, std::string_view index, std::string_view value) {
  return std::string(prefix) + '/' + std::string(index) + '/' + std::string(value);
}

void put_object(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
                json::allocator& memory, std::string_view bundle, bool read_only) {
  put(draft, desc, key, object, memory, bundle, read_only, nullptr);
}

void put_over(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
              json::allocator& memory, std::string_view bundle, const json::value& before) {
  put(draft, desc, key, object, memory, bundle, false, &before);
}

void remove_object(write_draft& draft, const prefix_desc& desc, std::string_view key) {
  replace_rows(draft, desc, key, nullptr);
  draft.remove(desc.name, key);
}

void settle_references(write_draft& draft) {
  std::deque<name_pair> work;
  draft.each_change([&](std::string_view prefix, std::string_view key, bool) {
    if (!is_hidden_prefix(prefix))
      work.push_back({std::string(prefix), std::string(key)});
  });
  std::map<std::pair<std::string, std::string>, standing> told;
  std::size_t judged = 0;
  while (!work.empty() && judged < most_settled) {
    const auto target = std::move(work.front());
    work.pop_front();
    const auto now = standing_of(draft.get(target.prefix, target.key));
    const auto [known, fresh] =
        told.try_emplace({target.prefix, target.key}, standing_before(draft, target.prefix, target.key));
    if (known->second == now)
      continue;
    known->second = now;
    for (auto& who : referrers(draft, target.prefix, target.key)) {
      ++judged;
      if (judge_again(draft, who))
        work.push_back(std::move(who));
    }
  }
}

std::optional<std::string> locate(const prefix_desc& desc, std::string_view asked,
                                  const msg::object_view& view) {
  auto key = stored_key(desc, asked);
  if (view.get(desc.name, key))
    return key;
  const auto colon = asked.find(':');
  const auto* index = colon == std::string_view::npos ? nullptr : desc.index(asked.substr(0, colon));
  if (!index || !index->unique)
    return std::nullopt;
  const auto value = asked.substr(colon + 1);
  if (index->path == desc.key_field) {
    key = stored_key(desc, value);
    return view.get(desc.name, key) ? std::optional(key) : std::nullopt;
  }
  const auto row = view.get(unique_prefix, unique_key(desc.name, index->name, value));
  json::document doc;
  if (!row || json::parse(row->json, doc))
    return std::nullopt;
  return std::string(json::text(doc));
}

} // namespace holdfast::api
