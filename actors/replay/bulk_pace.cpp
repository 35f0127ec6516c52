#include "actors/replay/bulk_pace.hpp"

#include <algorithm>

namespace holdfast::replay {
namespace {

using namespace std::chrono_literals;

constexpr auto rate_window = std::chrono::milliseconds{500};
/// A sync this long after the last piece of bulk has nothing of it before it any more.
constexpr auto bulk_echo = std::chrono::milliseconds{200};
constexpr auto jitter = std::chrono::milliseconds{1}; ///< of a sync, without anybody's doing
constexpr int memory = 16;                            ///< syncs that `calm_` looks back on, about

std::uint64_t per_second(std::uint64_t bytes, bulk_pace::duration in) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(in).count();
  return us <= 0 ? 0 : bytes * 1'000'000 / static_cast<std::uint64_t>(us);
}

} // namespace

void bulk_pace::synced(instant now, duration took, std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  worst_ = std::max(worst_, took);
  if (calm_ == duration{} || took < calm_ || now - took - last_bulk_ > bulk_echo)
    calm_ = calm_ == duration{} ? took : calm_ + (took - calm_) / memory;
  log_bytes_ += bytes;
  if (now - window_ < rate_window)
    return;
  log_rate_ = window_ == instant{} ? 0 : per_second(log_bytes_, now - window_);
  log_bytes_ = 0;
  window_ = now;
}

bulk_pace::duration bulk_pace::wait(instant now) const {
  const std::lock_guard lock{mutex_};
  return std::clamp(next_ - now, duration{}, longest_wait);
}

void bulk_pace::moved(instant now, std::uint64_t bytes) {
  const std::lock_guard lock{mutex_};
  adapt(now);
  const auto share = std::chrono::microseconds{bytes * 1'000'000 / rate_};
  // From when it was due: the time a piece takes is part of its share. What was not used is not saved up.
  next_ = std::max(next_, now - share) + share;
  last_bulk_ = now;
}

void bulk_pace::adapt(instant now) {
  if (now - window_ > 2 * rate_window)
    log_rate_ = 0; // nobody has written for a while
  const bool disturbed = worst_ > std::max(2 * calm_, calm_ + jitter);
  worst_ = {};
  rate_ = std::clamp(disturbed ? rate_ - rate_ / 4 : rate_ + rate_ / 32, floor(), bounds_.fastest);
}

std::uint64_t bulk_pace::floor() const {
  return std::min(std::max(bounds_.slowest, 2 * log_rate_), bounds_.fastest);
}

std::uint64_t bulk_pace::rate() const {
  const std::lock_guard lock{mutex_};
  return rate_;
}

} // namespace holdfast::replay
