// How often a child may be started again (architecture §2): at most `most` restarts within `window`, each
// after a pause that doubles while failures follow one another. Pure: times are handed in.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

namespace holdfast::node {

struct restart_limits {
  std::size_t most = 5;
  std::chrono::milliseconds window{30'000};
  std::chrono::milliseconds first_pause{20};
  std::chrono::milliseconds longest_pause{2'000};
};

class restart_policy {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit restart_policy(restart_limits limits = {}) : limits_(limits) {}

  /// The child ended at `now` without being asked to. The pause before it is started again, or nothing: it
  /// has failed for good.
  [[nodiscard]] std::optional<std::chrono::milliseconds> on_end(time_point now);

private:
  restart_limits limits_;
  std::deque<time_point> restarts_; ///< those of the last `window`
};

} // namespace holdfast::node
