// The log of one node in numbers, for comparing members online (WAL-09). Pure value; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::msg {

/// The log as files see it, for verification on a running node (WAL-09) and compaction.
struct log_digest {
  std::uint64_t generation = 0;
  std::uint64_t base_index = 0;
  std::uint64_t base_term = 0;
  std::uint64_t base_bytes = 0;
  std::uint64_t first_index = 0;
  std::uint64_t last_index = 0;
  std::uint64_t synced_index = 0;
  std::uint64_t log_bytes = 0;   ///< records since the base, about
  std::uint64_t asked_index = 0; ///< the index the chain value stands for
  std::uint32_t chain = 0;       ///< equal on all members that hold the same entries
  std::uint64_t syncs = 0;       ///< since this life began
  std::uint64_t longest_sync_us = 0;
  std::string error; ///< why there is no chain value
};

} // namespace holdfast::msg
