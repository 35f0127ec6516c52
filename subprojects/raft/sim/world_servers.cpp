// Starting, stopping, pausing and losing servers.
#include "sim/world.hpp"

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

void world::boot_server(std::size_t slot) {
  auto& on = nodes[slot];
  assert(on.used && !on.running());
  auto& found = on.store.durable_at_rest();
  boot b;
  b.self = on.id;
  b.cluster = cluster_;
  b.lim = options_.lim;
  b.seed = random_.next();
  b.now = on.local(now_);
  b.state = found.state;
  b.snapshot = found.snapshot.meta;
  b.log_base = found.log.base();
  b.log_base_term = found.log.base_term();
  const bool without_payloads = random_.per_mille(500);
  for (auto index = found.log.first(); index <= found.log.last(); index = index.next()) {
    b.log.push_back(found.log.at(index));
    if (without_payloads && b.log.back().kind != kind_config)
      b.log.back().payload = nullptr;
  }
  on.state = found.snapshot.bytes ? machine::load(*found.snapshot.bytes).value() : machine{};
  b.applied = {on.state.applied()};
  b.commit = found.commit;
  ++on.life;
  on.positions.restarted(found.state.term);
  check.leases.lets_go(slot, now_); // the first act of a start: what the kernel still holds is removed
  trace.note("starts", static_cast<int>(slot), -1, found.state.term.value, found.log.last().value,
             found.state.recovering ? 1 : 0);
  on.brain.emplace(std::move(b));
  on.last_config = on.brain->members();
  on.last_config_index = on.brain->members_index();
  on.last_role = on.brain->current_role();
  step(slot, ev::tick{});
}

void world::forget_process(std::size_t slot) {
  auto& on = nodes[slot];
  on.brain.reset();
  ++on.life;
  on.paused_until = on.stalled_until = true_time{};
  on.held.clear();
  on.full = on.applying = on.snapshotting = on.installing = false;
  on.previous_snapshot.reset();
  on.to_apply.clear();
  on.waits.clear();
  on.wake_at = true_time::max();
  on.lease_until.reset();
  on.lease_term = term_t{};
  on.last_role = role::follower;
  listener_->process_gone(slot);
}

void world::crash(std::size_t slot, bool host_lives, microseconds down_for) {
  auto& on = nodes[slot];
  if (!on.running())
    return;
  trace.note("crashes", static_cast<int>(slot), -1, on.brain->term().value, on.leads() ? 1 : 0);
  if (on.leads())
    marks.hit(mark::leader_crashed);
  const bool held_lease = check.leases.held(slot, now_);
  const auto lease_term = on.lease_term;
  const auto result = on.store.crash(random_, options_.disk);
  if (result == crash_result::lost_all)
    marks.hit(mark::crash_lost_unsynced);
  if (result == crash_result::kept_part)
    marks.hit(mark::crash_kept_part);
  if (!on.store.durable().state.recovering && on.before_rot) {
    on.before_rot.reset();
    marks.hit(mark::recovering_healed);
  }
  forget_process(slot);
  if (host_lives && held_lease && random_.per_mille(options_.ticket_per_mille))
    deliver_tickets(slot, lease_term);
  if (host_lives)
    refuse_links_to(slot, 800);
  queue_.push(now_ + down_for, {slot, 0, start{}});
}

/// The guard on the host removes what the lease guards, and then tells everybody it can reach. It holds a
/// ticket only of a term in which its daemon had really taken the lease.
void world::deliver_tickets(std::size_t slot, term_t term) {
  const auto life = nodes[slot].life;
  after(random_.between(200us, 3000us), [this, slot, term, life] {
    if (nodes[slot].life == life)
      check.leases.lets_go(slot, now_);
    tickets_.push_back(term);
    for (std::size_t other = 0; other < nodes.size(); ++other)
      if (other != slot && nodes[other].used)
        send_ticket(slot, other, term);
  });
}

void world::send_ticket(std::size_t from, std::size_t to, term_t term) {
  const auto fate = net.send(from, to);
  for (std::uint32_t copy = 0; copy < fate.copies; ++copy) {
    marks.hit(mark::release_ticket);
    queue_.push(now_ + fate.delay[copy], {to, 0, arrival{from, event_body{ev::release_ticket{term}}, 0}});
  }
  if (random_.per_mille(options_.replay_per_mille))
    after(random_.between(1ms, 5000ms), [this, from, to, term] {
      marks.hit(mark::ticket_replayed);
      send_ticket(from, to, term);
    });
}

void world::replay_a_ticket() {
  if (tickets_.empty() || !random_.per_mille(500))
    return;
  const auto to = random_.below(nodes.size());
  marks.hit(mark::ticket_replayed);
  tell(to, ev::release_ticket{tickets_[random_.below(tickets_.size())]});
}

void world::stop_for_good(std::size_t slot) {
  auto& on = nodes[slot];
  trace.note("is stopped for good", static_cast<int>(slot));
  check.leases.lets_go(slot, now_);
  if (on.running())
    forget_process(slot);
  ++on.life;
  on.used = false;
  on.before_rot.reset();
  on.last_config = config{};
}

void world::add_blank_server(std::size_t slot) {
  auto& on = nodes[slot];
  assert(!on.used);
  on.used = true;
  on.id = fresh_id();
  on.store.format({});
  on.positions = monotonic{};
  boot_server(slot);
}

void world::pause(std::size_t slot, microseconds duration) {
  auto& on = nodes[slot];
  trace.note("is paused", static_cast<int>(slot), -1, static_cast<std::uint64_t>(duration.count()));
  if (duration > options_.lim.election_timeout_max)
    marks.hit(mark::long_pause);
  on.paused_until = now_ + duration;
  queue_.push(on.paused_until, {slot, on.life, resume{}});
}

void world::let_go_of_lease(std::size_t slot) {
  check.leases.lets_go(slot, now_);
  nodes[slot].lease_until.reset();
}

void world::refuse_links_to(std::size_t slot, std::uint32_t per_mille) {
  for (std::size_t other = 0; other < nodes.size(); ++other) {
    if (other == slot || !nodes[other].running() || !net.open(other, slot) || !random_.per_mille(per_mille))
      continue;
    if (nodes[other].brain->leader() == nodes[slot].id)
      marks.hit(mark::refused_hint);
    local_event(other, random_.between(100us, 100'000us), ev::link_refused{nodes[slot].id});
  }
}

void world::links_changed(bool up) {
  for (std::size_t a = 0; a < nodes.size(); ++a)
    for (std::size_t b = 0; b < nodes.size(); ++b) {
      if (a == b || !nodes[a].running() || !nodes[b].used || net.open(a, b) != up || !random_.per_mille(400))
        continue;
      if (up)
        local_event(a, random_.between(100us, 200'000us), ev::link_up{nodes[b].id});
      else
        local_event(a, random_.between(100us, 200'000us), ev::link_down{nodes[b].id});
    }
}

} // namespace holdfast::raft::sim
