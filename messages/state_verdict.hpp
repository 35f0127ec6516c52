// What the state-hash entries have shown on this node so far (WAL-06). Written by replay, read by the cluster
// desk, which compares it with the other members' before anything is given up. Event loop only.
#pragma once

#include <cstdint>
#include <memory>

namespace holdfast::msg {

struct state_verdict {
  std::uint64_t same = 0;    ///< the newest index at which this node's state equalled the proposer's
  std::uint64_t differs = 0; ///< the first index at which it was not; 0: never
};
using state_verdict_ptr = std::shared_ptr<state_verdict>;

} // namespace holdfast::msg
