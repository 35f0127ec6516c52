#include "runtime/actor_directory.hpp"

#include <algorithm>

namespace holdfast::runtime {

namespace {

template <class T>
void raise_to(std::atomic<T>& mark, T value) {
  auto seen = mark.load(std::memory_order_relaxed);
  while (seen < value && !mark.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

} // namespace

std::string_view to_string(life_state state) {
  switch (state) {
  case life_state::starting:
    return "starting";
  case life_state::running:
    return "running";
  case life_state::suspended:
    return "suspended";
  case life_state::restarting:
    return "restarting";
  case life_state::failed:
    return "failed";
  case life_state::stopped:
    return "stopped";
  }
  return "unknown";
}

void actor_card::born(std::uint64_t actor_id, std::int64_t wall_ms) {
  id_.store(actor_id, std::memory_order_relaxed);
  started_ms_.store(wall_ms, std::memory_order_relaxed);
  mailbox_.store(0, std::memory_order_relaxed);
  suspend(false);
  set_state(life_state::running);
}

void actor_card::died(std::string_view reason) {
  mailbox_.store(0, std::memory_order_relaxed);
  if (state() != life_state::failed)
    set_state(life_state::stopped);
  if (!reason.empty())
    set_last_error(reason);
}

void actor_card::arrived() {
  raise_to(mailbox_high_, mailbox_.fetch_add(1, std::memory_order_relaxed) + 1);
}

void actor_card::handled(std::uint64_t busy_ns) {
  messages_.fetch_add(1, std::memory_order_relaxed);
  busy_ns_.fetch_add(busy_ns, std::memory_order_relaxed);
  raise_to(longest_ns_, busy_ns);
  mailbox_.fetch_sub(1, std::memory_order_relaxed);
}

void actor_card::set_last_error(std::string_view text) {
  const std::lock_guard lock(error_mutex_);
  last_error_ = text;
}

msg::actor_row actor_card::row() const {
  msg::actor_row row;
  row.name = name_;
  row.parent = parent_;
  row.state = to_string(suspended() ? life_state::suspended : state());
  row.id = id_.load(std::memory_order_relaxed);
  row.messages = messages_.load(std::memory_order_relaxed);
  row.busy_ns = busy_ns_.load(std::memory_order_relaxed);
  row.longest_ns = longest_ns_.load(std::memory_order_relaxed);
  // A message can be counted out before the sender counted it in, and a dead actor's mailbox is zeroed while
  // messages still arrive: never show a negative depth.
  row.mailbox =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, mailbox_.load(std::memory_order_relaxed)));
  row.mailbox_high = static_cast<std::uint64_t>(mailbox_high_.load(std::memory_order_relaxed));
  row.restarts = restarts();
  row.started_ms = started_ms_.load(std::memory_order_relaxed);
  const std::lock_guard lock(error_mutex_);
  row.last_error = last_error_;
  return row;
}

card_ptr actor_directory::open(std::string_view name, std::string_view parent) {
  const std::lock_guard lock(mutex_);
  const auto found = cards_.find(name);
  if (found != cards_.end())
    return found->second;
  auto card = std::make_shared<actor_card>(std::string(name), std::string(parent));
  cards_.emplace(card->name(), card);
  return card;
}

card_ptr actor_directory::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = cards_.find(name);
  return found == cards_.end() ? nullptr : found->second;
}

void actor_directory::drop(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = cards_.find(name);
  if (found != cards_.end())
    cards_.erase(found);
}

std::vector<msg::actor_row> actor_directory::rows() const {
  const std::lock_guard lock(mutex_);
  std::vector<msg::actor_row> rows;
  rows.reserve(cards_.size());
  for (const auto& [name, card] : cards_)
    rows.push_back(card->row());
  return rows;
}

} // namespace holdfast::runtime
