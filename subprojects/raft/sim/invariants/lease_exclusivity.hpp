// Never two holders of the lease at once, in true time (architecture §7).
//
// A holder holds until its deadline passes on its own clock, unless it lets go before: its process hears that
// the lease is over, or its host removes what the lease guards after the process died and says so by a
// ticket. A holder that is merely paused or cut off holds until the deadline.
#pragma once

#include "sim/clocks.hpp"
#include "sim/network.hpp"
#include "sim/violation.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace holdfast::raft::sim {

class lease_exclusivity {
public:
  /// The node in `slot` holds the lease now and will until `until`. True: it did not hold it just before.
  bool holds(std::size_t slot, true_time now, true_time until) {
    for (std::size_t other = 0; other < max_nodes; ++other)
      if (other != slot && until_[other] > now)
        throw violation{"lease exclusivity", "slot " + std::to_string(slot) + " took the lease " +
                                                 std::to_string((until_[other] - now).count()) +
                                                 "us before that of slot " + std::to_string(other) +
                                                 " was over"};
    const bool fresh = until_[slot] <= now;
    until_[slot] = until;
    return fresh;
  }

  void lets_go(std::size_t slot, true_time now) { until_[slot] = std::min(until_[slot], now); }
  bool held(std::size_t slot, true_time now) const { return until_[slot] > now; }
  bool held_by_any(true_time now) const {
    return std::ranges::any_of(until_, [now](true_time until) { return until > now; });
  }

private:
  std::array<true_time, max_nodes> until_{};
};

} // namespace holdfast::raft::sim
