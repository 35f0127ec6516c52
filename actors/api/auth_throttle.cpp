#include "actors/api/auth_throttle.hpp"

#include <algorithm>

namespace holdfast::api {

namespace {
constexpr std::int64_t forgiven_after_ms = 60000;
constexpr std::size_t most_addresses = 1024;
constexpr unsigned free_failures = 3;
constexpr unsigned most_doublings = 5;
constexpr std::int64_t first_delay_ms = 100;
constexpr std::int64_t longest_delay_ms = 2000;
} // namespace

std::chrono::milliseconds auth_throttle::failed(std::string_view address, std::int64_t now_ms) {
  if (seen_.size() >= most_addresses) {
    std::erase_if(seen_, [&](const auto& item) { return now_ms - item.second.last_ms > forgiven_after_ms; });
    if (seen_.size() >= most_addresses)
      seen_.clear(); // A flood from many addresses: forgetting is kinder than growing.
  }
  auto& mine = seen_[std::string(address)];
  if (now_ms - mine.last_ms > forgiven_after_ms)
    mine.count = 0;
  mine.last_ms = now_ms;
  ++mine.count;
  if (mine.count <= free_failures)
    return std::chrono::milliseconds(0);
  const auto doublings = std::min(mine.count - free_failures - 1, most_doublings);
  return std::chrono::milliseconds(std::min(first_delay_ms << doublings, longest_delay_ms));
}

void auth_throttle::succeeded(std::string_view address) {
  seen_.erase(std::string(address));
}

} // namespace holdfast::api
