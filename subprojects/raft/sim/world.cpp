#include "sim/world.hpp"

#include <raft/codec.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

world::world(std::uint64_t seed, const options& drawn, bool print)
    : nodes(drawn.voters + drawn.spares), net(drawn.net, random_source{seed ^ 0x6e6574}), trace(print),
      check(nodes, marks), options_(drawn), random_(seed), cluster_{mix64(seed), mix64(seed + 1)} {
  assert(nodes.size() <= max_nodes);
  for (auto& one : nodes) {
    const auto offset = random_.between(0us, 1'000'000'000us);
    one.clock = {offset, random_.between(-drawn.skew_ppm, drawn.skew_ppm)};
  }
  found_cluster();
}

node_id world::fresh_id() {
  ++ids_;
  return {mix64(cluster_.high ^ ids_), ids_};
}

void world::found_cluster() {
  std::vector<node_id> voters;
  for (std::size_t slot = 0; slot < options_.voters; ++slot)
    voters.push_back(nodes[slot].id = fresh_id());
  snapshot_meta first;
  first.members = make_config(voters);
  for (std::size_t i = 0; i < options_.observers; ++i)
    first.members.members[i].observer = true;
  check.founded(first.members);
  const auto empty = std::make_shared<const std::string>(machine{}.save(0));
  first.id = {mix64(empty->size())};
  first.size = {empty->size()};
  const entry first_entry{
      {1}, {1}, kind_config, std::make_shared<const std::string>(encode_config(first.members))};
  for (std::size_t slot = 0; slot < options_.voters; ++slot) {
    nodes[slot].used = true;
    if (options_.founded_in_log)
      nodes[slot].store.format_with(first_entry);
    else
      nodes[slot].store.format({first, empty, 0});
    queue_.push(now_ + random_.between(0us, 50'000us), {slot, 0, start{}});
  }
}

void world::advance() {
  assert(!queue_.empty());
  now_ = queue_.next_at();
  trace.begin_step(now_);
  auto event = queue_.pop();
  handle(event);
}

void world::handle(world_event& event) {
  if (auto* planned = std::get_if<plan>(&event.what)) {
    (*planned)();
    return;
  }
  auto& on = nodes[event.slot];
  if (std::holds_alternative<start>(event.what)) {
    if (on.used && !on.barred && !on.running())
      boot_server(event.slot);
    return;
  }
  if (event.life != 0 && event.life != on.life)
    return;
  if (auto* came = std::get_if<arrival>(&event.what)) {
    deliver(event.slot, *came);
  } else if (!on.running()) {
    return;
  } else if (on.paused(now_)) {
    // A stopped process is told of nothing; what the kernel does for it waits until it runs again.
    if (!std::holds_alternative<wake>(event.what))
      queue_.push(on.paused_until, std::move(event));
  } else if (const auto* timer = std::get_if<wake>(&event.what)) {
    if (timer->generation == on.wake_generation) {
      on.wake_at = true_time::max();
      step(event.slot, ev::tick{});
    }
  } else if (std::holds_alternative<disk_synced>(event.what)) {
    finish_sync(event.slot);
  } else if (const auto* done = std::get_if<entries_applied>(&event.what)) {
    if (done->generation == on.apply_generation)
      finish_apply(event.slot, done->count);
  } else if (std::holds_alternative<resume>(event.what)) {
    trace.note("resumes", static_cast<int>(event.slot));
    on.wake_at = true_time::max();
    auto held = std::move(on.held);
    on.held.clear();
    handle_arrivals(event.slot, held);
    if (on.running())
      step(event.slot, ev::tick{});
  }
}

void world::deliver(std::size_t slot, arrival& what) {
  auto& on = nodes[slot];
  if (!on.running() || (what.life != 0 && what.life != on.life))
    return;
  if (on.paused(now_)) {
    on.held.push_back(std::move(what));
    return;
  }
  handle_arrivals(slot, {&what, 1});
}

void world::handle_arrivals(std::size_t slot, std::span<arrival> what) {
  auto& on = nodes[slot];
  for (auto& one : what) {
    if (!on.running())
      return;
    if (one.life != 0 && one.life != on.life)
      continue;
    if (auto* bulk = std::get_if<chunk>(&one.what)) {
      receive_chunk(slot, *bulk);
    } else if (auto* local = std::get_if<event_body>(&one.what)) {
      step(slot, std::move(*local));
    } else {
      auto& came = std::get<message>(one.what);
      const auto before = on.brain->term();
      const auto committed_before = on.brain->commit_index();
      const auto sender = came.from;
      // A leader that removed itself may still name its successor: that is how it leaves.
      const bool farewell = std::holds_alternative<timeout_now>(came.body) && came.from == on.brain->leader();
      trace.note(name_of(came.body), static_cast<int>(slot), static_cast<int>(one.from), came.term.value,
                 before.value);
      step(slot, ev::receive{std::move(came)});
      if (on.running() && !farewell)
        check.heard(on, sender, before, committed_before);
    }
  }
}

void world::receive_chunk(std::size_t slot, chunk& what) {
  auto& partial = nodes[slot].store.partial();
  if (!partial || partial->meta.id != what.id)
    return;
  // One that does not fit is answered as well: the core may have heard of the last two in the wrong order.
  if (partial->bytes.size() == what.offset.value) {
    partial->bytes += what.bytes;
    trace.note("chunk stored", static_cast<int>(slot), -1, partial->bytes.size(), partial->meta.size.value);
  }
  local_event(slot, random_.between(options_.disk.sync_low, options_.disk.sync_high),
              ev::snapshot_stored{what.id, {partial->bytes.size()}});
}

void world::plan_wake(node& on) {
  const auto latest = now_ + options_.lim.heartbeat_interval / 4;
  const auto wanted = on.clock.true_at(microseconds{on.brain->next_deadline().us});
  const auto when = std::max(std::min(wanted, latest), now_ + 1us);
  if (on.wake_at <= when)
    return;
  on.wake_at = when;
  queue_.push(when, {static_cast<std::size_t>(&on - nodes.data()), on.life, wake{++on.wake_generation}});
}

void world::tell(std::size_t slot, event_body what) {
  if (able(slot))
    step(slot, std::move(what));
}

std::optional<std::size_t> world::slot_of(node_id id) const {
  for (std::size_t slot = 0; slot < nodes.size(); ++slot)
    if (nodes[slot].used && nodes[slot].id == id)
      return slot;
  return std::nullopt;
}

std::optional<std::size_t> world::leader() const {
  std::optional<std::size_t> best;
  for (std::size_t slot = 0; slot < nodes.size(); ++slot)
    if (nodes[slot].leads() && (!best || nodes[slot].brain->term() > nodes[*best].brain->term()))
      best = slot;
  return best;
}

} // namespace holdfast::raft::sim
