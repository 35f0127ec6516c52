// A learner gets its vote only when it holds nearly all of the leader's log (ENR-12): an empty voter would
// make the quorum larger and help nobody.
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <string>

namespace holdfast::raft::sim {

struct caught_up_before_vote {
  /// The leader, whose log ended at `leader_last`, has begun to give the vote to a learner that holds `held`.
  static void check(index_t held, index_t leader_last, std::uint64_t may_lack) {
    if (held.value + may_lack < leader_last.value)
      throw violation{"caught up before the vote", "a learner at " + std::to_string(held.value) +
                                                       " was promoted while the log ended at " +
                                                       std::to_string(leader_last.value)};
  }
};

} // namespace holdfast::raft::sim
