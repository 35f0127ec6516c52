#include "actors/api/write_draft.hpp"

namespace holdfast::api {

std::optional<std::string_view> write_draft::get(std::string_view prefix, std::string_view key) const {
  if (!changed_.empty())
    if (const auto found = changed_.find(full_key(prefix, key)); found != changed_.end())
      return found->second ? std::optional<std::string_view>(*found->second) : std::nullopt;
  const auto stored = base_->get(prefix, key);
  // The base view keeps the record alive as long as this draft lives.
  return stored ? std::optional<std::string_view>(stored->json) : std::nullopt;
}

void write_draft::scan(std::string_view prefix,
                       const std::function<void(std::string_view, std::string_view)>& visit) const {
  base_->scan(prefix, "", [&](std::string_view key, const msg::object_ref& object) {
    if (changed_.empty() || !changed_.contains(full_key(prefix, key)))
      visit(key, object->json);
    return true;
  });
  for (const auto& [key, json] : changed_)
    if (key.first == prefix && json)
      visit(key.second, *json);
}

void write_draft::put(std::string_view prefix, std::string_view key, std::string json) {
  changed_.insert_or_assign(full_key(prefix, key), std::move(json));
}

void write_draft::remove(std::string_view prefix, std::string_view key) {
  full_key full(prefix, key);
  if (base_->get(prefix, key))
    changed_.insert_or_assign(std::move(full), std::nullopt);
  else
    changed_.erase(full);
}

void write_draft::expect_unchanged(std::string_view prefix, std::string_view key) {
  expected_.insert_or_assign(full_key(prefix, key), msg::expectation::revision);
}

void write_draft::expect_presence(std::string_view prefix, std::string_view key) {
  expected_.try_emplace(full_key(prefix, key), msg::expectation::exists);
}

void write_draft::forget_if_unchanged(std::string_view prefix, std::string_view key) {
  const auto found = changed_.find(full_key(prefix, key));
  const auto stored = base_->get(prefix, key);
  if (found != changed_.end() && found->second && stored && stored->json == *found->second)
    changed_.erase(found);
}

void write_draft::each_change(
    const std::function<void(std::string_view, std::string_view, bool)>& visit) const {
  for (const auto& [key, json] : changed_)
    visit(key.first, key.second, json.has_value());
}

msg::precondition write_draft::as_seen(const full_key& key, msg::expectation of_present) const {
  const auto stored = base_->get(key.first, key.second);
  if (!stored)
    return {key.first, key.second, msg::expectation::absent, {}};
  const bool exact = of_present == msg::expectation::revision;
  return {key.first, key.second, of_present, exact ? stored->rev : msg::revision{}};
}

msg::transaction write_draft::take() {
  msg::transaction tx;
  for (const auto& [key, expect] : expected_)
    if (!changed_.contains(key))
      tx.preconditions.push_back(as_seen(key, expect));
  for (auto& [key, json] : changed_) {
    tx.preconditions.push_back(as_seen(key, msg::expectation::revision));
    tx.mutations.push_back({key.first, key.second, std::move(json)});
  }
  changed_.clear();
  return tx;
}

} // namespace holdfast::api
