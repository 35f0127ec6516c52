#include "actors/vip/ticket_sender.hpp"

#include "actors/vip/packet_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

namespace holdfast::vip {

namespace {

constexpr std::array<int, 3> ticket_pauses_ms{0, 30, 100};

/// "10.0.0.1:8093" or "[fd00::1]:8093" as a socket address; 0 when it is neither.
socklen_t parse_target(const std::string& text, sockaddr_storage& out) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    return 0;
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto port = htons(static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    return sizeof *v4;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    return sizeof *v6;
  }
  return 0;
}

} // namespace

void send_release_tickets(const to_guard::tickets& tickets) {
  for (const int pause : ticket_pauses_ms) {
    ::poll(nullptr, 0, pause);
    for (const auto& target : tickets.targets) {
      sockaddr_storage to{};
      const socklen_t size = parse_target(target, to);
      if (size == 0) {
        continue;
      }
      const unique_fd socket{::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
      sockaddr_storage from{};
      if (const socklen_t own = parse_target(tickets.source_ip + ":0", from); own > 0) {
        (void)::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), own);
      }
      (void)::sendto(socket.get(), tickets.payload.data(), tickets.payload.size(), MSG_DONTWAIT,
                     reinterpret_cast<const sockaddr*>(&to), size);
    }
  }
}

} // namespace holdfast::vip
