// When a leader says that every earlier lease has ended, it has: by the time that ran out, by the handover,
// or by a release ticket, which frees the lease of its own term and no other, however late or often it comes
// (architecture §7). Stronger than exclusivity: it holds also for a leader that has no lease of its own yet.
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <string>

namespace holdfast::raft::sim {

struct lease_clearance {
  /// The leader of `term` holds earlier leases to be over, while a node that `held` one in `held_in`.
  static void check(term_t term, bool held, term_t held_in) {
    if (held && held_in < term)
      throw violation{"lease clearance", "the leader of term " + std::to_string(term.value) +
                                             " takes the lease of term " + std::to_string(held_in.value) +
                                             " to be over while it is held"};
  }
};

} // namespace holdfast::raft::sim
