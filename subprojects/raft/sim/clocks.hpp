// True time, and what each node believes about it.
//
// Only the simulator knows true time. A node sees its own steady clock: it starts anywhere and runs a little
// too fast or too slow (skew), but never back. A pause stops the node, not its clock, as SIGSTOP does.
#pragma once

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstdint>

namespace holdfast::raft::sim {

using microseconds = std::chrono::microseconds;
using namespace std::chrono_literals;

struct true_clock {
  using duration = microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<true_clock>;
  static constexpr bool is_steady = true;
};
using true_time = true_clock::time_point;

/// Maps true time to one node's steady clock and back. Both directions are monotonic.
class node_clock {
public:
  node_clock() = default;
  /// `offset`: what the clock shows at true time 0. `rate_ppm`: parts per million too fast (or too slow, <
  /// 0).
  node_clock(microseconds offset, std::int64_t rate_ppm) : offset_(offset), rate_ppm_(rate_ppm) {
    assert(rate_ppm > -500'000 && rate_ppm < 500'000);
  }

  microseconds local(true_time at) const {
    const auto us = at.time_since_epoch().count();
    return offset_ + microseconds{us + us / 1000 * rate_ppm_ / 1000};
  }

  /// The first true time at which local() is not before `wanted`.
  true_time true_at(microseconds wanted) const {
    const auto ahead = (wanted - offset_).count();
    if (ahead <= 0)
      return true_time{};
    true_time guess{microseconds{ahead * 1000 / (1'000'000 + rate_ppm_) * 1000}};
    while (local(guess) < wanted)
      guess += std::max(wanted - local(guess), microseconds{1});
    return guess;
  }

private:
  microseconds offset_{0};
  std::int64_t rate_ppm_ = 0;
};

} // namespace holdfast::raft::sim
