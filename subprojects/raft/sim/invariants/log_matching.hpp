// Two logs that hold an entry of the same index and term are equal up to it (thesis figure 3.2).
//
// Each written entry brings the hash of its whole prefix; one look at what others wrote at that index and
// term therefore compares the complete logs.
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::raft::sim {

class log_matching {
public:
  /// True when this index had been written in another term before: a suffix is being replaced.
  bool written(index_t index, term_t term, std::uint64_t chain) {
    if (index.value >= seen_.size())
      seen_.resize(index.value + 64);
    auto& here = seen_[index.value];
    for (const auto& [known_term, known_chain] : here) {
      if (known_term != term)
        continue;
      if (known_chain != chain)
        throw violation{"log matching", "entry " + std::to_string(index.value) + " of term " +
                                            std::to_string(term.value) + " has two different histories"};
      return here.size() > 1;
    }
    here.emplace_back(term, chain);
    return here.size() > 1;
  }

private:
  std::vector<std::vector<std::pair<term_t, std::uint64_t>>> seen_;
};

} // namespace holdfast::raft::sim
