#include "actors/vip/packet_socket.hpp"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace holdfast::vip {

namespace {

/// ARP, or IPv6 whose next header is ICMPv6 of type 136. Classic BPF, offsets from the Ethernet header.
constexpr std::array<sock_filter, 9> wanted{{
    {BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
    {BPF_JMP | BPF_JEQ | BPF_K, 5, 0, ETHERTYPE_ARP},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, ETHERTYPE_IPV6},
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 14 + 6},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 58},
    {BPF_LD | BPF_B | BPF_ABS, 0, 0, 14 + 40},
    {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 136},
    {BPF_RET | BPF_K, 0, 0, 256},
    {BPF_RET | BPF_K, 0, 0, 0},
}};

sockaddr_ll link_address(int index) {
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = index;
  return where;
}

} // namespace

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) {
      ::close(fd_);
    }
    fd_ = other.release();
  }
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

int unique_fd::release() {
  return std::exchange(fd_, -1);
}

// Protocol 0: nothing is received before bind(), so the filter is in place first.
packet_socket::packet_socket() : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!socket_.valid()) {
    throw std::system_error{errno, std::generic_category(), "AF_PACKET socket (needs CAP_NET_RAW)"};
  }
  auto code = wanted;
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    throw std::system_error{errno, std::generic_category(), "AF_PACKET filter"};
  }
}

int packet_socket::bind(int index) {
  const auto where = link_address(index);
  return ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 ? 0 : errno;
}

int packet_socket::send(int index, const frame& bytes) {
  auto where = link_address(index);
  where.sll_halen = ETH_ALEN;
  std::copy_n(bytes.begin(), ETH_ALEN, where.sll_addr);
  const auto sent = ::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&where), sizeof where);
  return sent == static_cast<ssize_t>(bytes.size()) ? 0 : errno;
}

void packet_socket::drain(const std::function<void(std::span<const std::uint8_t>)>& each) {
  std::array<std::uint8_t, 512> space{};
  for (;;) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const auto got =
        ::recvfrom(socket_.get(), space.data(), space.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) {
      return;
    }
    if (from.sll_pkttype != PACKET_OUTGOING) {
      each(std::span{space}.first(static_cast<std::size_t>(got)));
    }
  }
}

} // namespace holdfast::vip
