// Coming back after rot before the synced-index hint: entries this node had acknowledged, and that may have
// been committed with its help, are gone here. Until it holds them again it gives no vote, counts in no
// quorum and does not campaign.
//
// When is that? Everything it ever acknowledged went to leaders of terms up to its stored term. A leader of a
// later term won without a vote given after the loss, so all that was committed with this node's help was in
// its log when it won; any word of it will do. The leader of the stored term itself is another matter: its
// log grew by what this node acknowledged, so the word must have been sent after the loss. A message may be
// on its way for longer than a restart takes; hence the mark that the leader sends back. Where the log ends
// by such a word is the target: once this node holds, durably and found equal by a leader, everything up to
// there, it is what it was.
// Waiting for those entries to be committed as well would be for ever where the commit needs this very node:
// a learner that lost its tail at the moment it was promoted.
#include <raft/core.hpp>

#include <algorithm>

namespace holdfast::raft {

void core::recovery_contact(index_t leader_last, bool sent_since_start) {
  if (!state_.recovering || !(sent_since_start || state_.term > boot_term_))
    return;
  // A later leader has all that counts in its log too, and its log may be the shorter one: what an earlier
  // one had behind that may never come again.
  if (!recovery_target_ || state_.term > recovery_term_)
    recovery_target_ = std::max(leader_last, snapshot_.index);
  recovery_term_ = state_.term;
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
