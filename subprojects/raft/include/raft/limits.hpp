// Every bound of the core in one place, units in the names (defaults: architecture §3), and the inequalities
// that must hold between them.
#pragma once

#include <raft/types.hpp>

namespace holdfast::raft {

struct limits {
  duration heartbeat_interval = std::chrono::milliseconds{100};
  /// Elections start after a random silence in [min, max), drawn anew for every campaign (thesis §3.4).
  duration election_timeout_min = std::chrono::milliseconds{500};
  duration election_timeout_max = std::chrono::milliseconds{1000};
  /// A refused connection to the leader starts a pre-vote within [0, this).
  duration refused_link_delay_max = std::chrono::milliseconds{50};
  /// The quorum lease counts from the moment the answered heartbeat round was sent.
  duration lease_length = std::chrono::milliseconds{400};
  /// How far two steady clocks may drift apart, in parts per thousand, while a lease is running.
  std::uint32_t clock_drift_permille = 50;
  /// The oldest unfinished persist may be this old before the disk counts as stalled.
  duration disk_stall_limit = std::chrono::milliseconds{500};
  /// An append that brings no answer for this long is sent again from the last known match.
  duration append_retry_interval = std::chrono::milliseconds{250};
  /// A snapshot offer or chunk that brings no answer for this long is offered again.
  duration snapshot_retry_interval = std::chrono::milliseconds{1000};
  /// After leadership is lost to another node a proposal may still turn out committed; after this long it is
  /// reported unknown. After two heartbeat intervals already where it was lost for want of contact.
  duration outcome_wait = std::chrono::milliseconds{1000};
  /// A read that nobody confirms fails after this long.
  duration read_timeout = std::chrono::milliseconds{1000};
  /// How long a leader keeps telling a removed peer that does not confirm.
  duration removed_notice_duration = std::chrono::milliseconds{10000};

  std::uint32_t max_members = 64;
  std::uint32_t max_removed_ids = 1024; ///< oldest forgotten first
  std::uint32_t max_address_bytes = 256;
  byte_count max_entry_bytes{8U << 20};
  std::uint32_t max_append_entries = 1024;       ///< per message
  byte_count max_append_bytes{1U << 20};         ///< per message; one entry always fits
  std::uint32_t max_inflight_appends = 64;       ///< per peer
  byte_count max_inflight_bytes{16U << 20};      ///< per peer
  std::uint32_t max_uncommitted_entries = 65536; ///< proposals beyond are answered "overloaded"
  byte_count max_uncommitted_bytes{64U << 20};
  byte_count log_memory_bytes{16U << 20};       ///< applied entries beyond are dropped from memory
  std::uint32_t max_apply_ahead_entries = 8192; ///< handed out and not yet reported applied
  byte_count max_disk_read_bytes{1U << 20};     ///< per read_log request
  std::uint32_t max_pending_reads = 65536;
  byte_count snapshot_chunk_bytes{1U << 20};
  /// A learner may be promoted when it is at most this many entries and about one election timeout behind.
  std::uint64_t catch_up_entries = 256;

  /// Empty when all inequalities hold, otherwise which one does not. The core refuses to start on a
  /// violation.
  [[nodiscard]] std::string violation() const;
};

} // namespace holdfast::raft
