// Every node that applies an index applies the same entry and is in the same state afterwards (thesis
// figure 3.2).
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::raft::sim {

class state_machine_safety {
public:
  /// True: this is the first node to apply `index`. Every node applies in order without a gap, snapshots
  /// aside.
  bool applied(index_t index, std::uint64_t state_hash) {
    if (index.value >= hashes_.size())
      hashes_.resize(index.value + 256);
    auto& known = hashes_[index.value];
    if (known == 0) {
      known = state_hash;
      return true;
    }
    if (known != state_hash)
      throw violation{"state machine safety", "two nodes differ after index " + std::to_string(index.value)};
    return false;
  }

private:
  std::vector<std::uint64_t> hashes_;
};

} // namespace holdfast::raft::sim
