#include "actors/replay/compaction_policy.hpp"

namespace holdfast::replay {

compaction_decision decide_compaction(const log_facts& facts, const compaction_limits& limits) {
  if (facts.cut_pending || facts.log_entries == 0)
    return compaction_decision::wait;
  if (facts.log_bytes > limits.hard_bytes)
    return compaction_decision::cut_for_hard_limit;
  // A cut now would force a snapshot on whoever still needs the entries before it.
  const bool someone_far_behind = facts.applied_index > facts.slowest_active_match &&
                                  facts.applied_index - facts.slowest_active_match > limits.trailing_entries;
  if (facts.snapshot_being_sent || someone_far_behind)
    return compaction_decision::wait;
  if (facts.log_entries >= limits.max_entries)
    return compaction_decision::cut_for_entries;
  const bool above_ratio = facts.log_bytes / limits.ratio > facts.last_snapshot_bytes;
  return facts.log_bytes > limits.floor_bytes && above_ratio ? compaction_decision::cut_for_size
                                                             : compaction_decision::wait;
}

} // namespace holdfast::replay
