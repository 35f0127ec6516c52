// The attack on the lease: within the few hundred milliseconds that a lease runs on by itself, everything at
// once that could make another node believe it over. The holder cannot be reached or stands still and so does
// not know; the others lose their stickiness by a refused link, forget their promises by a restart, hold an
// order to take over that was taken back, or a ticket of another leadership.
#include "sim/nemesis.hpp"

#include <algorithm>

namespace holdfast::raft::sim {

void nemesis::attack_lease(microseconds) {
  const auto holder = world_.leader();
  if (!holder || !world_.able(*holder) || !world_.check.leases.held(*holder, world_.now()))
    return;
  world_.marks.hit(mark::lease_attacked);
  world_.trace.note("has its lease attacked", static_cast<int>(*holder));
  if (random_.per_mille(400))
    hand_over_half(*holder);
  const auto soon = random_.between(0us, 120'000us);
  world_.after(soon, [this, slot = *holder] { hide(slot); });
}

/// An order to take over that is taken back before its target has done anything with it.
void nemesis::hand_over_half(std::size_t holder) {
  auto& on = world_.nodes[holder];
  const auto& members = on.brain->members().members;
  const auto target = world_.slot_of(members[random_.below(members.size())].id);
  if (!target || *target == holder)
    return;
  ev::transfer request;
  request.context = transfer_context_ = world_.next_context();
  request.target = world_.nodes[*target].id;
  request.lease_released = random_.per_mille(800);
  request.deadline = on.local(world_.now()) + random_.between(5ms, 60ms);
  if (request.lease_released)
    world_.let_go_of_lease(holder);
  // The target or its votes get nowhere for a while.
  for (std::size_t other = 0; other < world_.nodes.size(); ++other) {
    if (other == *target || random_.per_mille(400))
      continue;
    world_.net.cut(*target, other);
    world_.after(random_.between(10ms, 250ms),
                 [this, from = *target, other] { world_.net.mend(from, other); });
  }
  world_.tell(holder, request);
}

/// The holder is cut off or stands still; the others are made to forget it.
void nemesis::hide(std::size_t holder) {
  if (retired_ || !world_.able(holder))
    return;
  if (random_.per_mille(500)) {
    for (std::size_t other = 0; other < world_.nodes.size(); ++other)
      if (other != holder)
        world_.net.cut_both(holder, other);
    world_.after(random_.between(100ms, 900ms), [this] { world_.net.heal(); });
  } else if (random_.per_mille(700)) {
    world_.pause(holder, random_.between(100ms, 900ms));
  }
  for (std::size_t other = 0; other < world_.nodes.size(); ++other) {
    if (other == holder || !world_.able(other))
      continue;
    if (random_.per_mille(200))
      world_.crash(other, random_.per_mille(500), random_.between(1ms, 60ms));
    else if (random_.per_mille(800))
      world_.tell(other, ev::link_refused{world_.nodes[holder].id});
  }
  world_.replay_a_ticket();
}

} // namespace holdfast::raft::sim
