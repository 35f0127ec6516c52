// Keeps the same trouble from flooding the log (LOG-06): the first line about a subject goes out, then one
// each interval, which says how many were held back. Pure; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace holdfast::net {

class log_limiter {
public:
  using time_point = std::chrono::steady_clock::time_point;
  explicit log_limiter(std::chrono::milliseconds interval) : interval_(interval) {}

  /// Nothing: keep silent. Otherwise write the line; the value is the number of lines held since the last
  /// one.
  [[nodiscard]] std::optional<std::uint64_t> allow(const std::string& subject, time_point now);
  /// The trouble is over: the next line about it goes out at once.
  void forget(const std::string& subject) { subjects_.erase(subject); }
  [[nodiscard]] std::uint64_t held_in_all() const { return held_in_all_; }

private:
  struct entry {
    time_point last;
    std::uint64_t held = 0;
  };
  static constexpr std::size_t most_subjects = 1024; ///< beyond, the table starts anew
  std::chrono::milliseconds interval_;
  std::map<std::string, entry> subjects_;
  std::uint64_t held_in_all_ = 0;
};

} // namespace holdfast::net
