#include "net/log_limiter.hpp"

namespace holdfast::net {

std::optional<std::uint64_t> log_limiter::allow(const std::string& subject, time_point now) {
  const auto found = subjects_.find(subject);
  if (found == subjects_.end()) {
    if (subjects_.size() >= most_subjects)
      subjects_.clear();
    subjects_.emplace(subject, entry{now, 0});
    return 0;
  }
  auto& [last, held] = found->second;
  if (now - last < interval_) {
    ++held;
    ++held_in_all_;
    return std::nullopt;
  }
  const auto result = held;
  last = now;
  held = 0;
  return result;
}

} // namespace holdfast::net
