// The careless operator's part: membership, and which servers a configuration can do without.
#include "sim/nemesis.hpp"

#include "sim/invariants/caught_up_before_vote.hpp"

#include <algorithm>

namespace holdfast::raft::sim {

template <class Predicate>
bool nemesis::majority_of(const config& members, const Predicate& counts) const {
  for (const bool old_half : {false, true}) {
    std::size_t voters = 0;
    std::size_t counted = 0;
    for (const auto& one : members.members) {
      if (!(old_half ? one.outgoing : one.voter))
        continue;
      ++voters;
      const auto slot = world_.slot_of(one.id);
      counted += slot && counts(*slot) ? 1 : 0;
    }
    if (voters > 0 && counted * 2 <= voters)
      return false;
  }
  return true;
}

template <class Predicate>
bool nemesis::majority_everywhere(const Predicate& counts) const {
  return std::ranges::all_of(possible_configs(),
                             [&](const config* members) { return majority_of(*members, counts); });
}

void nemesis::change_members(microseconds) {
  // An operator wipes servers that were removed and never heard of it; their place may be used again.
  for (std::size_t slot = 0; slot < world_.nodes.size(); ++slot)
    if (world_.nodes[slot].used && world_.check.configs.removed_at(world_.nodes[slot].id) &&
        random_.per_mille(100))
      world_.stop_for_good(slot);

  const auto leader = world_.leader();
  if (!leader || !world_.able(*leader))
    return;
  membership_change change;
  if (!choose_change(*leader, change) || !leaves_enough_intact(*leader, change))
    return;
  change_context_ = world_.next_context();
  change_kind_ = change.kind;
  world_.trace.note("is to change members", static_cast<int>(*leader),
                    static_cast<int>(world_.slot_of(change.id).value_or(max_nodes)),
                    static_cast<std::uint64_t>(change.kind));
  const auto last = world_.nodes[*leader].brain->last_index();
  const auto target = world_.slot_of(change.id);
  world_.tell(*leader, ev::change_members{change_context_, change});
  const auto& after = world_.nodes[*leader].out.configs;
  // A learner whose disk rots at this moment has lost what the leader rightly believes it to hold.
  const bool lost_its_tail = target && world_.nodes[*target].store.durable().state.recovering;
  if (change.kind == change_kind::promote && target && !lost_its_tail && !after.empty() &&
      after.front().members.joint)
    caught_up_before_vote::check(world_.nodes[*target].store.durable().log.last(), last,
                                 world_.drawn().lim.catch_up_entries);
}

bool nemesis::choose_change(std::size_t leader, membership_change& change) {
  const auto& members = world_.nodes[leader].brain->members().members;
  const auto& chosen = members[random_.below(members.size())];
  const auto die = random_.below(100);
  change.id = chosen.id;
  if (die < 30)
    return add_server(leader, change);
  if (die < 55) {
    const auto learner = std::ranges::find_if(members, [](const member& one) { return !one.votes(); });
    if (learner == members.end())
      return add_server(leader, change);
    change.kind = change_kind::promote;
    change.id = learner->id;
    return true;
  }
  if (die < 90) {
    // Fewer voters while one of them has lost data could leave too few to go on: no operator may ask for it.
    if (anybody_recovering())
      return false;
    if (random_.per_mille(250))
      change.id = world_.nodes[leader].id;
    change.kind = die < 67 ? change_kind::demote : change_kind::remove;
    return true;
  }
  change.kind = die < 95 ? change_kind::set_observer : change_kind::set_address;
  change.observer = random_.per_mille(500);
  change.address = "host-" + std::to_string(random_.below(1000));
  return true;
}

bool nemesis::add_server(std::size_t leader, membership_change& change) {
  const auto& members = world_.nodes[leader].brain->members();
  change.kind = change_kind::add_learner;
  change.address = "host-" + std::to_string(random_.below(1000));
  change.observer = random_.per_mille(200);
  for (std::size_t slot = 0; slot < world_.nodes.size(); ++slot) {
    auto& on = world_.nodes[slot];
    if (on.used && (members.find(on.id) != nullptr || world_.check.configs.removed_at(on.id)))
      continue;
    if (!on.used)
      world_.add_blank_server(slot);
    change.id = on.id;
    return true;
  }
  return false;
}

/// Giving the vote to a server that has lost data and may not count, where its vote is then needed, is for
/// ever.
bool nemesis::leaves_enough_intact(std::size_t leader, const membership_change& change) const {
  const auto& on = world_.nodes[leader];
  const auto after = apply_change(on.brain->members(), change, world_.drawn().lim);
  const auto* next = std::get_if<config>(&after);
  if (next == nullptr)
    return true;
  // Nor may one whose vote the change needs have heard of a newer leader, while others may not vote.
  const std::pair end{on.brain->term(), on.brain->last_index().next()};
  const bool all_vote = !anybody_recovering();
  return majority_of(*next,
                     [&](std::size_t slot) { return !impaired(slot) && (all_vote || end_of(slot) <= end); });
}

std::pair<term_t, index_t> nemesis::end_of(std::size_t slot) const {
  const auto& log = world_.nodes[slot].store.written();
  return {log.last() > log.base() ? log.at(log.last()).term : log.base_term(), log.last()};
}

bool nemesis::impaired(std::size_t slot) const {
  const auto& on = world_.nodes[slot];
  return on.before_rot.has_value() || on.store.durable().state.recovering;
}

bool nemesis::anybody_recovering() const {
  for (std::size_t slot = 0; slot < world_.nodes.size(); ++slot)
    if (world_.nodes[slot].used && impaired(slot))
      return true;
  return false;
}

std::vector<const config*> nemesis::possible_configs() const {
  std::vector<const config*> result{&world_.check.configs.current()};
  for (const auto& on : world_.nodes)
    if (on.used && !on.last_config.members.empty())
      result.push_back(&on.last_config);
  return result;
}

/// Learners count as voters here: the vote may already be on its way to them.
bool nemesis::may_rot(std::size_t slot) const {
  for (const auto* members : possible_configs()) {
    std::size_t intact = 0;
    for (const auto& one : members->members) {
      const auto other = world_.slot_of(one.id);
      intact += other && *other != slot && !impaired(*other) ? 1 : 0;
    }
    if (intact * 2 <= members->members.size())
      return false;
  }
  std::vector<bool> others(world_.nodes.size());
  for (std::size_t other = 0; other < others.size(); ++other)
    others[other] = world_.nodes[other].used && other != slot && !impaired(other);
  return !impaired(slot) && majority_everywhere([&](std::size_t other) { return others[other]; }) &&
         electable(others);
}

std::vector<bool> nemesis::choose_core(bool everybody) {
  const auto count = world_.nodes.size();
  std::vector<bool> core(count), all(count);
  for (std::size_t slot = 0; slot < count; ++slot) {
    all[slot] = world_.nodes[slot].used;
    core[slot] = all[slot] && !impaired(slot);
  }
  if (everybody || !electable(core))
    return all;
  const auto first = random_.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto slot = (first + i) % count;
    const bool was = core[slot];
    core[slot] = false;
    if (was && (!majority_everywhere([&](std::size_t other) { return core[other]; }) || !electable(core)))
      core[slot] = true;
  }
  return core;
}

/// Whether one of them can win an election (§5.4.1). A majority may not be enough while a joint configuration
/// is on its way: the one with the longest log of those who vote uses it, and a learner that heard the last
/// leader, whose vote it would need there, has a newer log.
bool nemesis::electable(const std::vector<bool>& core) const {
  for (std::size_t slot = 0; slot < core.size(); ++slot) {
    const auto& on = world_.nodes[slot];
    if (!core[slot] || impaired(slot))
      continue;
    const auto& members = on.running() ? on.brain->members() : on.last_config;
    const auto* self = members.find(on.id);
    const auto votes = [&](std::size_t other) { return core[other] && end_of(other) <= end_of(slot); };
    if (self != nullptr && self->votes() && majority_of(members, votes))
      return true;
  }
  return false;
}

} // namespace holdfast::raft::sim
