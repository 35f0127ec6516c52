// Coverage marks: named rare branches that a swarm must have reached at least once.
//
// A simulator that never restarts a leader in the middle of a membership change proves nothing about it. Each
// mark counts how often its situation was seen; the table is printed after a swarm and a fixed regression run
// fails when a mark stays at zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::raft::sim {

enum class mark : std::uint8_t {
  leader_elected,
  leader_crashed,
  leader_stepped_down,
  term_reused_index,
  crash_lost_unsynced,
  crash_kept_part,
  disk_error_exit,
  disk_stall,
  stall_stepped_down,
  full_disk_stepped_down,
  rot_made_recovering,
  recovering_healed,
  snapshot_taken,
  snapshot_installed,
  snapshot_resumed,
  log_truncated,
  config_changed,
  joint_left_after_crash,
  learner_promoted,
  voter_demoted,
  leader_removed_itself,
  removed_told,
  transfer_done,
  transfer_timed_out,
  refused_hint,
  release_ticket,
  ticket_replayed,
  lease_attacked,
  lease_taken_over,
  long_pause,
  read_on_leader,
  read_on_follower,
  read_refused,
  write_committed,
  write_unknown,
  write_surely_not,
  write_overloaded,
  retry_applied_once,
  count_
};

inline constexpr std::size_t mark_count = static_cast<std::size_t>(mark::count_);

inline constexpr std::array<std::string_view, mark_count> mark_names = {
    "leader elected",
    "leader crashed",
    "leader stepped down",
    "index written again in a later term",
    "crash lost unsynced writes",
    "crash kept a part of the unsynced writes",
    "disk error ended a process",
    "disk stalled",
    "stalled leader stepped down",
    "leader with a full disk stepped down",
    "rot made a node recovering",
    "recovering node healed",
    "snapshot taken",
    "snapshot installed",
    "snapshot resumed at an offset",
    "log suffix truncated",
    "configuration changed",
    "joint configuration left by another leader",
    "learner promoted",
    "voter demoted",
    "leader removed itself",
    "removed node was told",
    "leadership transferred",
    "transfer timed out",
    "refused link started an election",
    "release ticket used",
    "release ticket came again",
    "lease attacked",
    "lease taken over",
    "long pause",
    "read on the leader",
    "read on a follower",
    "read refused",
    "write committed",
    "write outcome unknown",
    "write surely not done",
    "write overloaded",
    "retry answered from the session",
};

class mark_table {
public:
  void hit(mark which, std::uint64_t times = 1) { counts_[static_cast<std::size_t>(which)] += times; }
  std::uint64_t count(mark which) const { return counts_[static_cast<std::size_t>(which)]; }
  void add(const mark_table& other) {
    for (std::size_t i = 0; i < mark_count; ++i)
      counts_[i] += other.counts_[i];
  }

private:
  std::array<std::uint64_t, mark_count> counts_{};
};

} // namespace holdfast::raft::sim
