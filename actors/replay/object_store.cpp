#include "actors/replay/object_store.hpp"

#include "actors/replay/answer_memory.hpp"
#include "actors/replay/state_hash.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace holdfast::replay {
namespace {

/// A write may leave a handful of nodes behind when snapshots are held; freeing about as many with each write
/// keeps up without anybody's help.
constexpr std::size_t nodes_freed_per_write = 3;

/// First numbers of what goes into the chain, so that different kinds of entries never look alike.
enum class absorbed : std::uint64_t { applied = 1, conflict, repeated, activation, gate, compact, hash_mark };

std::uint64_t absorb(std::uint64_t before, absorbed what, std::uint64_t index) {
  return chain(chain(before, static_cast<std::uint64_t>(what)), index);
}

bool holds(const store_state& state, const msg::precondition& p) {
  const msg::object_ref* found = state.find(p.prefix, p.key);
  switch (p.expect) {
  case msg::expectation::absent:
    return found == nullptr;
  case msg::expectation::exists:
    return found != nullptr;
  case msg::expectation::revision:
    return found != nullptr && (*found)->rev == p.rev;
  }
  return false;
}

msg::object_ref make_object(std::string json, std::uint64_t index) {
  // What is kept for long keeps no slack.
  if (json.capacity() > json.size() + json.size() / 8 + 32)
    json.shrink_to_fit();
  return std::make_shared<msg::object_record>(msg::object_record{std::move(json), msg::revision{index}});
}

msg::change make_change(msg::change::action what, msg::mutation& m, const msg::transaction& tx,
                        msg::object_ref object, msg::object_ref original) {
  return {what,    std::move(m.prefix), std::move(m.key),   tx.principal,
          tx.time, std::move(object),   std::move(original)};
}

} // namespace

state_snapshot::state_snapshot(store_state state, std::shared_ptr<graveyard> grave)
    : state_(std::move(state)), grave_(std::move(grave)) {}

state_snapshot::~state_snapshot() {
  try {
    grave_->bury(std::move(state_));
  } catch (const std::bad_alloc&) {
    // Then the members free everything themselves, in one go.
  }
}

msg::object_ref state_snapshot::get(std::string_view prefix, std::string_view key) const {
  const msg::object_ref* found = state_.find(prefix, key);
  return found == nullptr ? nullptr : *found;
}

void state_snapshot::scan(
    std::string_view prefix, std::string_view from,
    const std::function<bool(std::string_view key, const msg::object_ref&)>& visit) const {
  const prefix_table* table = state_.find_prefix(prefix);
  if (table == nullptr)
    return;
  table->objects.visit_from(from, [&visit](const pmap::shared_string& key, const msg::object_ref& object) {
    return visit(key.view(), object);
  });
}

std::size_t state_snapshot::count(std::string_view prefix) const {
  const prefix_table* table = state_.find_prefix(prefix);
  return table == nullptr ? 0 : table->objects.size();
}

msg::revision state_snapshot::last_change(std::string_view prefix) const {
  const prefix_table* table = state_.find_prefix(prefix);
  return table == nullptr ? msg::revision{} : table->last_change;
}

std::uint64_t state_snapshot::applied_index() const {
  return state_.applied_index;
}

object_store::object_store(store_limits limits)
    : limits_(limits), history_(std::make_unique<digest_history>()), grave_(std::make_shared<graveyard>()) {}

void object_store::advance(std::uint64_t index) {
  if (index <= state_.applied_index)
    throw std::logic_error("an entry was applied out of log order");
  state_.applied_index = index;
}

apply_result object_store::apply(std::uint64_t index, msg::transaction tx) {
  advance(index);
  grave_->step(nodes_freed_per_write);
  state_.time = std::max(state_.time, tx.time);
  apply_result result = evaluate(tx);
  auto& hash = state_.digest.commands;
  switch (result.status) {
  case apply_status::repeated:
    hash = absorb(hash, absorbed::repeated, index);
    break;
  case apply_status::conflict:
    hash = chain(absorb(hash, absorbed::conflict, index), result.failed_precondition);
    break;
  case apply_status::applied:
    hash = absorb(hash, absorbed::applied, index);
    result.changes.reserve(tx.mutations.size());
    for (auto& m : tx.mutations) {
      if (m.json)
        put(m, index, tx, result);
      else
        remove(m, index, tx, result);
    }
    if (!tx.idempotency_key.empty())
      remember_answer(state_, limits_, index, std::move(tx.idempotency_key), std::move(tx.answer));
    break;
  }
  history_->record(index, state_.digest);
  return result;
}

apply_result object_store::evaluate(const msg::transaction& tx) {
  apply_result result;
  if (!tx.idempotency_key.empty()) {
    expire_answers(state_, limits_);
    if (const auto* known = state_.answers.by_key.find(tx.idempotency_key); known != nullptr) {
      result.status = apply_status::repeated;
      result.answer = (*known)->answer;
      return result;
    }
  }
  const auto failed = std::ranges::find_if_not(
      tx.preconditions, [this](const msg::precondition& p) { return holds(state_, p); });
  if (failed != tx.preconditions.end()) {
    result.status = apply_status::conflict;
    result.failed_precondition = static_cast<std::size_t>(failed - tx.preconditions.begin());
  }
  return result;
}

void object_store::put(msg::mutation& m, std::uint64_t index, const msg::transaction& tx,
                       apply_result& result) {
  prefix_table* table = state_.prefixes.find_for_update(m.prefix);
  if (table == nullptr) {
    state_.prefixes.insert_new(pmap::shared_string{m.prefix}, prefix_table{});
    table = state_.prefixes.find_for_update(m.prefix);
  }
  table->last_change = msg::revision{index};
  msg::object_ref made = make_object(std::move(*m.json), index);
  auto& digest = state_.digest;
  const std::uint64_t added = object_hash(m.prefix, m.key, *made);
  digest.contents += added;
  digest.commands = chain(digest.commands, added);
  if (msg::object_ref* slot = table->objects.find_for_update(m.key); slot != nullptr) {
    const std::uint64_t removed = object_hash(m.prefix, m.key, **slot);
    digest.contents -= removed;
    digest.commands = chain(digest.commands, removed);
    msg::object_ref original = std::exchange(*slot, made);
    result.changes.push_back(
        make_change(msg::change::action::update, m, tx, std::move(made), std::move(original)));
    return;
  }
  table->objects.insert_new(pmap::shared_string{m.key}, made);
  ++state_.objects;
  result.changes.push_back(make_change(msg::change::action::create, m, tx, std::move(made), nullptr));
}

void object_store::remove(msg::mutation& m, std::uint64_t index, const msg::transaction& tx,
                          apply_result& result) {
  auto& digest = state_.digest;
  const msg::object_ref* found = state_.find(m.prefix, m.key);
  if (found == nullptr) {
    digest.commands = chain(digest.commands, std::uint64_t{0});
    return;
  }
  msg::object_ref original = *found;
  const std::uint64_t removed = object_hash(m.prefix, m.key, *original);
  digest.contents -= removed;
  digest.commands = chain(digest.commands, removed);
  prefix_table* table = state_.prefixes.find_for_update(m.prefix);
  table->objects.erase(m.key);
  table->last_change = msg::revision{index};
  --state_.objects;
  msg::object_ref object = original;
  result.changes.push_back(
      make_change(msg::change::action::remove, m, tx, std::move(object), std::move(original)));
}

bool object_store::apply(std::uint64_t index, const msg::activation& act) {
  advance(index);
  auto& hash = state_.digest.commands;
  hash = chain(absorb(hash, absorbed::activation, index), act.epoch);
  const bool current = act.epoch >= state_.active.epoch;
  if (current)
    state_.active = act;
  for (const std::uint8_t byte : state_.active.node.bytes)
    hash = chain(hash, std::uint64_t{byte});
  history_->record(index, state_.digest);
  return current;
}

bool object_store::apply(std::uint64_t index, const msg::version_gate& gate) {
  advance(index);
  state_.format = std::max(state_.format, gate.format);
  state_.digest.commands = chain(absorb(state_.digest.commands, absorbed::gate, index), state_.format);
  history_->record(index, state_.digest);
  return gate.format <= msg::newest_format;
}

void object_store::apply(std::uint64_t index, const msg::compact_mark& mark) {
  advance(index);
  state_.generation = mark.generation;
  state_.digest.commands = chain(absorb(state_.digest.commands, absorbed::compact, index), mark.generation);
  history_->record(index, state_.digest);
}

hash_verdict object_store::apply(std::uint64_t index, const msg::state_hash_mark& mark) {
  const auto own = history_->at(mark.index);
  advance(index);
  auto& hash = state_.digest.commands;
  hash = absorb(hash, absorbed::hash_mark, index);
  history_->record(index, state_.digest);
  if (!own)
    return hash_verdict::unknown;
  return *own == mark.digest ? hash_verdict::equal : hash_verdict::differs;
}

void object_store::skip(std::uint64_t index) {
  advance(index);
  history_->record(index, state_.digest);
}

snapshot_ptr object_store::snapshot() {
  if (auto held = last_.lock(); held && held->applied_index() == state_.applied_index)
    return held;
  auto taken = std::make_shared<const state_snapshot>(state_, grave_);
  last_ = taken;
  return taken;
}

void object_store::load(store_state state) {
  last_.reset();
  std::swap(state_, state);
  history_->clear();
  history_->record(state_.applied_index, state_.digest);
  grave_->bury(std::move(state));
}

bool object_store::reclaim(std::size_t nodes) {
  return grave_->step(nodes);
}

} // namespace holdfast::replay
