// A leader commits by counting only entries of its own term; older ones are committed with them (thesis
// §3.6.2).
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <string>

namespace holdfast::raft::sim {

struct own_term_commit {
  /// The leader of `leads_in` moved the commit index of the whole cluster to an entry of `entry_term`.
  static void check(index_t index, term_t entry_term, term_t leads_in) {
    if (entry_term != leads_in)
      throw violation{"own-term commit", "the leader of term " + std::to_string(leads_in.value) +
                                             " committed entry " + std::to_string(index.value) + " of term " +
                                             std::to_string(entry_term.value) + " by counting"};
  }
};

} // namespace holdfast::raft::sim
