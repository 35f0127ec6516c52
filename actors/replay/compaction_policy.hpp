// When to cut the log. The leader asks and proposes a compact entry; every member then cuts at that entry's
// index, so files stay equal (WAL-05). The rule scales by itself: the log must be both above a floor and
// several times larger than the last snapshot, so the work of writing snapshots stays a fixed share of the
// work of writing the log. Pure.
#pragma once

#include <cstdint>

namespace holdfast::replay {

struct compaction_limits {
  std::uint64_t floor_bytes = 64U << 20U; ///< below this never cut for size
  std::uint64_t ratio = 4;                ///< and the log must exceed this many times the last snapshot
  std::uint64_t max_entries = 1'000'000;  ///< or it holds this many entries: replay time is bounded too
  std::uint64_t hard_bytes = 1U << 30U;   ///< above this cut even if an active follower then needs a snapshot
  std::uint64_t trailing_entries = 10'000; ///< a follower this little behind the cut is still waited for
};

/// What the log and the members look like; bytes and entries count from the last base on.
struct log_facts {
  std::uint64_t log_bytes = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t last_snapshot_bytes = 0;
  std::uint64_t applied_index = 0;
  std::uint64_t slowest_active_match =
      0;                            ///< lowest durable index of the members that answer; alone: applied_index
  bool cut_pending = false;         ///< a compact entry is proposed or its base is still being written
  bool snapshot_being_sent = false; ///< a member is being fed the current base
};

enum class compaction_decision : std::uint8_t {
  wait,
  cut_for_size,
  cut_for_entries,
  cut_for_hard_limit,
};

[[nodiscard]] compaction_decision decide_compaction(const log_facts& facts,
                                                    const compaction_limits& limits = {});

} // namespace holdfast::replay
