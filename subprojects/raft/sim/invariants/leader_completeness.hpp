// Whoever leads holds every entry that was committed in an earlier term (thesis figure 3.2).
#pragma once

#include "sim/invariants/committed_log.hpp"
#include "sim/log_image.hpp"

namespace holdfast::raft::sim {

struct leader_completeness {
  /// Called when a node becomes leader, and for every newer leader when an entry becomes known as committed.
  static void check(const committed_log& truth, const log_image& log, term_t leads_in) {
    const auto last = truth.last();
    if (last.value == 0 || truth.at(last).term >= leads_in || last <= log.base())
      return;
    if (!log.holds(last, truth.chain_at(last)))
      throw violation{"leader completeness", "the leader of term " + std::to_string(leads_in.value) +
                                                 " does not hold committed entry " +
                                                 std::to_string(last.value)};
  }
};

} // namespace holdfast::raft::sim
