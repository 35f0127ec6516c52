// What becomes of one frame on its way through the switch. Pure.
#pragma once

#include <chrono>
#include <random>
#include <vector>

namespace holdfast::chaos {

struct frame_rule {
  std::chrono::microseconds delay{0};
  std::chrono::microseconds jitter{0}; ///< at most so much more, drawn for each frame
  unsigned reorder = 0;                ///< percent that skips the delay and so overtakes
  unsigned duplicate = 0;              ///< percent that arrives twice
  bool cut = false;
  [[nodiscard]] bool plain() const {
    return !cut && delay.count() == 0 && jitter.count() == 0 && duplicate == 0;
  }
};

/// When the copies of a frame arrive, counted from now: none, one or two.
[[nodiscard]] std::vector<std::chrono::microseconds> arrivals(const frame_rule& rule, std::mt19937_64& dice);

} // namespace holdfast::chaos
