#include "sim/nemesis.hpp"

#include <algorithm>

namespace holdfast::raft::sim {

void nemesis::begin() {
  const auto& drawn = world_.drawn();
  recur(drawn.partition, &nemesis::partition);
  recur(drawn.flap, &nemesis::flap);
  recur(drawn.crash, &nemesis::crash);
  recur(drawn.pause, &nemesis::pause);
  recur(drawn.stall, &nemesis::stall);
  recur(drawn.full, &nemesis::fill_disk);
  recur(drawn.rot, &nemesis::rot);
  recur(drawn.membership, &nemesis::change_members);
  recur(drawn.transfer, &nemesis::transfer);
  recur(drawn.false_refusal, &nemesis::refuse_falsely);
  recur(drawn.lease_attack, &nemesis::attack_lease);
}

void nemesis::recur(const recurring& what, void (nemesis::*act)(microseconds)) {
  if (what.mean.count() == 0)
    return;
  world_.after(random_.between(what.mean / 4, what.mean * 7 / 4), [this, what, act] {
    if (retired_)
      return;
    (this->*act)(random_.between(what.shortest, what.longest));
    recur(what, act);
  });
}

void nemesis::retire() {
  retired_ = true;
  ++cuts_;
  world_.net.heal();
  world_.net.calm();
  world_.links_changed(true);
  for (std::size_t slot = 0; slot < world_.nodes.size(); ++slot) {
    auto& on = world_.nodes[slot];
    on.stalled_until = true_time{};
    if (on.running() && on.full)
      drain_disk(slot, on.life, 1us);
  }
}

std::size_t nemesis::pick_server() {
  const auto leader = world_.leader();
  return leader && random_.per_mille(400) ? *leader : random_.below(world_.nodes.size());
}

void nemesis::partition(microseconds lasts) {
  const auto mine = ++cuts_;
  world_.net.heal();
  world_.net.apply(static_cast<shape>(random_.below(shape_count)), world_.nodes.size());
  world_.trace.note("links are cut", -1, -1, mine);
  world_.links_changed(false);
  world_.after(lasts, [this, mine] {
    if (cuts_ != mine)
      return;
    world_.trace.note("links are mended", -1);
    world_.net.heal();
    world_.links_changed(true);
  });
}

void nemesis::flap(microseconds lasts) {
  const auto count = world_.nodes.size();
  if (count < 2)
    return;
  const auto from = random_.below(count);
  toggle_link(from, (from + 1 + random_.below(count - 1)) % count, world_.now() + lasts);
}

void nemesis::toggle_link(std::size_t from, std::size_t to, true_time until) {
  if (retired_)
    return;
  const bool open = world_.net.open(from, to);
  if (open && world_.now() < until)
    world_.net.cut(from, to);
  else
    world_.net.mend(from, to);
  if (world_.now() < until)
    world_.after(random_.between(5ms, 400ms), [this, from, to, until] { toggle_link(from, to, until); });
}

void nemesis::crash(microseconds lasts) {
  auto slot = pick_server();
  // A server in the middle of receiving a snapshot: the transfer must go on where it stopped.
  for (std::size_t i = 0; i < world_.nodes.size() && random_.per_mille(900); ++i)
    if (const auto& partial = world_.nodes[i].store.durable().partial;
        world_.nodes[i].running() && partial && !partial->bytes.empty())
      slot = i;
  if (random_.per_mille(500))
    crash_while_writing(slot, lasts, 200);
  else
    world_.crash(slot, random_.per_mille(700), lasts);
}

/// Most crashes would hit an idle disk; this one waits until something is unsynced.
void nemesis::crash_while_writing(std::size_t slot, microseconds lasts, int looks) {
  if (!retired_ && looks > 0 && world_.nodes[slot].running() && !world_.nodes[slot].store.pending())
    world_.after(500us, [this, slot, lasts, looks] { crash_while_writing(slot, lasts, looks - 1); });
  else if (!retired_)
    world_.crash(slot, random_.per_mille(700), lasts);
}

void nemesis::pause(microseconds lasts) {
  const auto slot = pick_server();
  if (world_.able(slot))
    world_.pause(slot, lasts);
}

void nemesis::stall(microseconds lasts) {
  auto& on = world_.nodes[pick_server()];
  if (!on.running())
    return;
  world_.marks.hit(mark::disk_stall);
  world_.trace.note("disk stalls", static_cast<int>(&on - world_.nodes.data()), -1,
                    static_cast<std::uint64_t>(lasts.count()));
  on.stalled_until = world_.now() + lasts;
}

void nemesis::fill_disk(microseconds lasts) {
  const auto slot = pick_server();
  auto& on = world_.nodes[slot];
  if (!world_.able(slot) || on.full)
    return;
  on.full = true;
  world_.trace.note("disk is full", static_cast<int>(slot));
  world_.tell(slot, ev::disk_full{true});
  drain_disk(slot, on.life, lasts);
}

void nemesis::drain_disk(std::size_t slot, std::uint64_t life, microseconds later) {
  world_.after(later, [this, slot, life] {
    auto& on = world_.nodes[slot];
    if (on.life != life || !on.full)
      return;
    if (on.paused(world_.now())) {
      drain_disk(slot, life, on.paused_until - world_.now());
      return;
    }
    on.full = false;
    world_.tell(slot, ev::disk_full{false});
  });
}

void nemesis::rot(microseconds lasts) {
  const auto slot = pick_server();
  auto& on = world_.nodes[slot];
  if (!on.running() || !may_rot(slot))
    return;
  world_.crash(slot, random_.per_mille(500), lasts);
  const auto& found = on.store.durable();
  const auto behind = std::max(found.snapshot.meta.index, found.log.base());
  if (found.log.last() <= behind)
    return;
  const auto most = found.log.last().value - behind.value;
  const auto depth = 1 + random_.below(std::min<std::uint64_t>(most, random_.per_mille(500) ? 3 : most));
  on.before_rot = found.log;
  on.store.rot({found.log.last().value - depth + 1});
  world_.marks.hit(mark::rot_made_recovering);
  world_.trace.note("records rot", static_cast<int>(slot), -1, found.log.last().value + 1, depth);
}

void nemesis::refuse_falsely(microseconds) {
  world_.refuse_links_to(pick_server(), 400);
}

void nemesis::transfer(microseconds) {
  const auto leader = world_.leader();
  if (!leader || !world_.able(*leader))
    return;
  auto& on = world_.nodes[*leader];
  ev::transfer request;
  request.context = transfer_context_ = world_.next_context();
  const auto& members = on.brain->members().members;
  if (random_.per_mille(700))
    request.target = members[random_.below(members.size())].id;
  const auto patience = random_.between(20ms, 2000ms);
  request.deadline = on.local(world_.now()) + patience;
  request.lease_released = random_.per_mille(500);
  if (request.lease_released)
    world_.let_go_of_lease(*leader);
  world_.trace.note("is to hand over", static_cast<int>(*leader), -1, request.lease_released ? 1 : 0);
  world_.tell(*leader, request);
  // The order to take over may be read long after it was taken back.
  if (const auto target = world_.slot_of(request.target);
      target && *target != *leader && world_.able(*target) && random_.per_mille(400))
    world_.pause(*target, patience + random_.between(1ms, 700ms));
}

void nemesis::outcome(const proposal_outcome& what) {
  if (what.context == transfer_context_) {
    if (what.status == outcome_status::committed)
      world_.marks.hit(mark::transfer_done);
    else
      world_.marks.hit(mark::transfer_timed_out);
    return;
  }
  if (what.context != change_context_ || what.status != outcome_status::committed)
    return;
  if (change_kind_ == change_kind::promote)
    world_.marks.hit(mark::learner_promoted);
  if (change_kind_ == change_kind::demote)
    world_.marks.hit(mark::voter_demoted);
}

} // namespace holdfast::raft::sim
