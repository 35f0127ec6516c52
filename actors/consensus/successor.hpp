// Whom a leader names when nobody was named to it (architecture §3, thesis §3.10). Pure: no clock, no actor.
#pragma once

#include <raft/core.hpp>

#include <vector>

namespace holdfast::consensus {

struct successor_candidate {
  raft::peer_status peer;
  bool voter = false;
  bool observer = false;
  raft::duration silent{0}; ///< since anything was heard of it
  raft::duration linked{0}; ///< since its link came up
};

/// The member that can take over at once: one that votes, is heard, is nearly caught up, and whose link has
/// been up for longer than an election timeout. One that was just started may not campaign for that long, and
/// the hand-over would wait for it. Observers come last, then who is less behind comes first. Nil: none is
/// like that, let the core choose.
[[nodiscard]] inline raft::node_id settled_successor(const std::vector<successor_candidate>& all,
                                                     const raft::limits& bounds) {
  const successor_candidate* best = nullptr;
  for (const auto& one : all) {
    const bool ready = one.voter && !one.peer.recovering && one.silent < bounds.election_timeout_min &&
                       one.linked > bounds.election_timeout_max && one.peer.behind <= bounds.catch_up_entries;
    if (!ready)
      continue;
    const bool better = best == nullptr || (best->observer && !one.observer) ||
                        (best->observer == one.observer && one.peer.behind < best->peer.behind);
    if (better)
      best = &one;
  }
  return best == nullptr ? raft::node_id{} : best->peer.id;
}

} // namespace holdfast::consensus
