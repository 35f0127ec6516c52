// Coming back after rot before the synced-index hint: entries this node had acknowledged, and that may have
// been committed with its help, are gone here. Until it holds them again it gives no vote, counts in no
// quorum and does not campaign.
//
// When is that? Everything it ever acknowledged went to leaders of terms up to its stored term. The first
// leader it meets afterwards has that term or a later one and won without a vote given after the loss, so its
// log holds all that was committed with this node's help. Where that log ends at that moment is the target:
// once this node holds, durably and found equal by a leader, everything up to there, it is what it was.
// Waiting for those entries to be committed as well would be for ever where the commit needs this very node:
// a learner that lost its tail at the moment it was promoted.
#include <raft/core.hpp>

#include <algorithm>

namespace holdfast::raft {

void core::recovery_contact(index_t leader_last) {
  if (state_.recovering && !recovery_target_)
    recovery_target_ = std::max(leader_last, snapshot_.index);
}

void core::finish_recovery() {
  if (!state_.recovering || !recovery_target_ || std::min(durable_, verified_) < *recovery_target_)
    return;
  state_.recovering = false;
  recovery_target_.reset();
  persist_state();
  report_role("recovered");
}

} // namespace holdfast::raft
