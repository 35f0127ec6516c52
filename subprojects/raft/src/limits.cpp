#include <raft/limits.hpp>

#include <raft/quorum.hpp>

namespace holdfast::raft {

std::string limits::violation() const {
  const auto guard = lease_length + lease_length * clock_drift_permille / 1000;
  struct rule {
    bool holds;
    const char* text;
  };
  const rule rules[] = {
      {heartbeat_interval > duration{0}, "heartbeat_interval must be positive"},
      // Two heartbeats may be lost before anybody doubts the leader.
      {heartbeat_interval * 3 <= election_timeout_min,
       "election_timeout_min must be at least 3 heartbeat intervals"},
      {election_timeout_min < election_timeout_max, "election_timeout_max must exceed election_timeout_min"},
      // A voter that helped to extend a lease grants no vote before it has ended.
      {guard < election_timeout_min,
       "lease_length with clock drift must be shorter than election_timeout_min"},
      {lease_length > heartbeat_interval, "lease_length must exceed the heartbeat interval that extends it"},
      {refused_link_delay_max < election_timeout_min,
       "refused_link_delay_max must be below election_timeout_min"},
      {disk_stall_limit >= heartbeat_interval, "disk_stall_limit must be at least one heartbeat interval"},
      {disk_stall_limit <= election_timeout_max, "disk_stall_limit must not exceed election_timeout_max"},
      {append_retry_interval >= heartbeat_interval,
       "append_retry_interval must be at least one heartbeat interval"},
      {max_members > 0 && max_members <= max_voters, "max_members must be 1 to 64"},
      {max_append_entries > 0 && max_inflight_appends > 0, "append windows must not be empty"},
      {max_append_bytes <= max_inflight_bytes, "max_inflight_bytes must hold at least one append"},
      {max_entry_bytes <= max_uncommitted_bytes, "max_uncommitted_bytes must hold at least one entry"},
      {max_uncommitted_entries > 0 && max_apply_ahead_entries > 0,
       "proposal and apply windows must not be empty"},
      {max_pending_reads > 0, "max_pending_reads must be positive"},
      {snapshot_chunk_bytes.value > 0 && max_disk_read_bytes.value > 0, "chunks must not be empty"},
  };
  for (const rule& r : rules)
    if (!r.holds)
      return r.text;
  return {};
}

} // namespace holdfast::raft
