// What is committed never changes, and everybody who commits an index commits the same entry there.
//
// Keeps the one true log; the other invariants ask it.
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::raft::sim {

class committed_log {
public:
  struct fact {
    term_t term;
    std::uint64_t chain = 0;
    entry_kind kind = kind_noop;
    payload_ptr payload;
  };

  index_t last() const { return {facts_.size() - 1}; }
  const fact& at(index_t index) const { return facts_[index.value]; }
  std::uint64_t chain_at(index_t index) const { return facts_[index.value].chain; }

  /// A node holds `e` (whose prefix hashes to `chain`) to be committed. True: nobody had committed it before.
  bool committed(const entry& e, std::uint64_t chain) {
    if (e.index.value < facts_.size()) {
      if (facts_[e.index.value].chain != chain)
        throw violation{"committed log",
                        "index " + std::to_string(e.index.value) + " was committed twice, differently"};
      return false;
    }
    if (e.index.value != facts_.size())
      throw violation{"committed log", "commit skipped to index " + std::to_string(e.index.value)};
    facts_.push_back({e.term, chain, e.kind, e.payload});
    return true;
  }

private:
  std::vector<fact> facts_ = std::vector<fact>(1); ///< position 0 stands for the empty log
};

} // namespace holdfast::raft::sim
