// What the keeper and every worker it forks share: what the last worker was told and has begun, so that the
// next one can clean up after it even when the daemon cannot speak.
#pragma once

#include "actors/vip/guard_protocol.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <sys/types.h>

namespace holdfast::vip {

/// One packet. A size of 0 means nothing (or a write cut short).
struct page_slot {
  std::atomic<std::uint32_t> size{0};
  std::array<char, max_guard_packet> bytes{};

  void write(const std::string& packet) {
    size.store(0, std::memory_order_release);
    if (packet.size() <= bytes.size()) {
      std::copy(packet.begin(), packet.end(), bytes.begin());
      size.store(static_cast<std::uint32_t>(packet.size()), std::memory_order_release);
    }
  }
  [[nodiscard]] std::optional<to_guard::message> read() const {
    return decode_to_guard(std::span{bytes}.first(size.load(std::memory_order_acquire)));
  }
};

struct guard_page {
  page_slot configure;
  /// Earlier configurations whose address is not surely off.
  std::array<page_slot, 3> earlier;
  page_slot tickets;
  /// Until when the worker may hold (mono_ns); 0: it does not hold. The keeper ends a worker that overstays.
  std::atomic<mono_ns> deadline{0};
  /// The process group of the script that runs; 0: none runs.
  std::atomic<pid_t> script_group{0};
  /// When its time is over, or when the last one ended; 0: there was none.
  std::atomic<mono_ns> script_until{0};
};

} // namespace holdfast::vip
