// Slows down whoever keeps sending wrong passwords. Pure: time comes in. Event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace holdfast::api {

class auth_throttle {
public:
  /// Notes a failure from that address and says how long to hold its answer back: nothing for the first
  /// three, then 100 ms doubling to 2 s. A quiet minute forgives. Remembers at most 1024 addresses.
  [[nodiscard]] std::chrono::milliseconds failed(std::string_view address, std::int64_t now_ms);
  void succeeded(std::string_view address);
  [[nodiscard]] std::size_t size() const { return seen_.size(); }

private:
  struct entry {
    unsigned count = 0;
    std::int64_t last_ms = 0;
  };
  std::unordered_map<std::string, entry> seen_;
};

} // namespace holdfast::api
