#include "tools/chaos/tap_switch.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>

namespace holdfast::chaos {

namespace {

constexpr std::size_t largest_frame = 65'536;
constexpr int frames_a_turn = 64;
constexpr std::size_t header = 14;

std::uint64_t mac(const unsigned char* at) {
  std::uint64_t out = 0;
  std::memcpy(&out, at, 6);
  return out;
}

} // namespace

tap_switch::~tap_switch() {
  ending_ = true;
  if (thread_.joinable())
    thread_.join();
}

void tap_switch::plug(const std::string& name) {
  descriptor port(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (port.get() < 0 || ::ioctl(port.get(), TUNSETIFF, &request) != 0)
    throw std::runtime_error("cannot make the TAP device " + name + ": " + std::strerror(errno));
  {
    const std::lock_guard lock(mutex_);
    ports_.push_back(std::move(port));
    rules_.emplace_back();
  }
  if (!thread_.joinable())
    thread_ = std::thread([this] { run(); });
}

void tap_switch::set_rule(std::size_t from, const frame_rule& rule) {
  const std::lock_guard lock(mutex_);
  rules_[from] = rule;
}

frame_rule tap_switch::rule(std::size_t from) const {
  const std::lock_guard lock(mutex_);
  return rules_[from];
}

void tap_switch::run() {
  while (!ending_) {
    std::vector<pollfd> all;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& port : ports_)
        all.push_back({port.get(), POLLIN, 0});
    }
    // Half a millisecond is the grain of a delay; without one waiting the switch sleeps until a frame comes,
    // or looks now and then for a new port.
    timespec wait{0, later_.empty() ? 20'000'000 : 500'000};
    ::ppoll(all.data(), all.size(), &wait, nullptr);
    const std::lock_guard lock(mutex_);
    deliver_due();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].revents & POLLIN)
        take_from(i);
    }
  }
}

void tap_switch::deliver_due() {
  const auto now = clock::now();
  while (!later_.empty() && later_.top().at <= now) {
    const auto& due = later_.top();
    // A full queue of the device drops the frame, as a switch does.
    static_cast<void>(!::write(ports_[due.port].get(), due.frame.data(), due.frame.size()));
    later_.pop();
  }
}

void tap_switch::take_from(std::size_t port) {
  std::array<unsigned char, largest_frame> frame;
  for (int i = 0; i < frames_a_turn; ++i) {
    const auto got = ::read(ports_[port].get(), frame.data(), frame.size());
    if (got < static_cast<ssize_t>(header))
      return;
    const auto size = static_cast<std::size_t>(got);
    learned_[mac(frame.data() + 6)] = port;
    const auto known = learned_.find(mac(frame.data()));
    const bool to_all = (frame[0] & 1) != 0 || known == learned_.end();
    for (std::size_t to = 0; to < ports_.size(); ++to) {
      if (to != port && (to_all || known->second == to))
        forward(port, to, frame.data(), size);
    }
  }
}

void tap_switch::forward(std::size_t from, std::size_t to, const unsigned char* frame, std::size_t size) {
  const auto& how = rules_[from];
  if (rules_[to].cut)
    return;
  if (how.plain() && later_.empty()) {
    static_cast<void>(!::write(ports_[to].get(), frame, size));
    return;
  }
  for (const auto after : arrivals(how, dice_))
    later_.push({clock::now() + after, order_++, to, {frame, frame + size}});
}

} // namespace holdfast::chaos
