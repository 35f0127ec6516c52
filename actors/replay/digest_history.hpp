// The digests of the last applied indexes, so that a state_hash entry that names an earlier index can be
// compared when it arrives. Local to a member: never part of what is replicated.
#pragma once

#include "messages/entry_kinds.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace holdfast::replay {

class digest_history {
public:
  /// Entries between the proposer's look at its digest and the entry that carries it are bounded by what a
  /// leader keeps in flight, which is far less.
  static constexpr std::size_t depth = 4096;

  void record(std::uint64_t index, const msg::state_digest& digest) {
    slots_[index % depth] = {index, digest};
  }
  [[nodiscard]] std::optional<msg::state_digest> at(std::uint64_t index) const {
    const slot& found = slots_[index % depth];
    if (index == 0 || found.index != index)
      return std::nullopt;
    return found.digest;
  }
  void clear() { slots_.fill({}); }

private:
  struct slot {
    std::uint64_t index = 0;
    msg::state_digest digest;
  };
  std::array<slot, depth> slots_{};
};

} // namespace holdfast::replay
