// Raw Ethernet on one link, for announcements, probes and hearing claims. AF_PACKET; needs CAP_NET_RAW to
// open. One thread, that of the guard. Only ARP and neighbour advertisements pass the kernel's filter.
#pragma once

#include "actors/vip/claim_frame.hpp"

#include <functional>

namespace holdfast::vip {

class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();
  unique_fd(const unique_fd&) = delete;
  unique_fd& operator=(const unique_fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release();

private:
  int fd_ = -1;
};

class packet_socket {
public:
  /// Throws std::system_error naming the capability when it is missing.
  packet_socket();
  /// Hears frames of this link from now on. Returns errno.
  [[nodiscard]] int bind(int index);
  /// Returns errno; a link that is down answers ENETDOWN.
  [[nodiscard]] int send(int index, const frame& bytes);
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Everything received and not sent by this host.
  void drain(const std::function<void(std::span<const std::uint8_t>)>& each);

private:
  unique_fd socket_;
};

} // namespace holdfast::vip
