// An Ethernet switch over TAP devices that can delay, reorder and duplicate frames: stands in for netem,
// which many kernels lack. One thread of its own. Root.
#pragma once

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/frame_rule.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::chaos {

class tap_switch {
public:
  tap_switch() = default;
  ~tap_switch();
  tap_switch(const tap_switch&) = delete;
  tap_switch& operator=(const tap_switch&) = delete;

  /// Makes the TAP device `name` in the calling thread's network namespace and plugs it in as the next port.
  /// Throws std::runtime_error.
  void plug(const std::string& name);
  /// What happens to frames that come from a port; ports count from 0. Any thread.
  void set_rule(std::size_t from, const frame_rule& rule);
  [[nodiscard]] frame_rule rule(std::size_t from) const;

private:
  using clock = std::chrono::steady_clock;
  struct waiting {
    clock::time_point at;
    std::uint64_t order;
    std::size_t port;
    std::vector<unsigned char> frame;
    bool operator>(const waiting& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void run();
  void take_from(std::size_t port);
  void forward(std::size_t from, std::size_t to, const unsigned char* frame, std::size_t size);
  void deliver_due();

  mutable std::mutex mutex_; ///< held while a turn is worked off
  std::vector<descriptor> ports_;
  std::vector<frame_rule> rules_;
  std::map<std::uint64_t, std::size_t> learned_; ///< MAC → port
  std::priority_queue<waiting, std::vector<waiting>, std::greater<>> later_;
  std::uint64_t order_ = 0;
  std::mt19937_64 dice_{1};
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

} // namespace holdfast::chaos
