#include "actors/node/restart_policy.hpp"

#include <algorithm>

namespace holdfast::node {

std::optional<std::chrono::milliseconds> restart_policy::on_end(time_point now) {
  while (!restarts_.empty() && now - restarts_.front() >= limits_.window)
    restarts_.pop_front();
  if (restarts_.size() >= limits_.most)
    return std::nullopt;
  auto pause = limits_.first_pause;
  for (std::size_t i = 0; i < restarts_.size() && pause < limits_.longest_pause; ++i)
    pause *= 2;
  restarts_.push_back(now);
  return std::min(pause, limits_.longest_pause);
}

} // namespace holdfast::node
