// An IP literal with a port. Host names never reach this room's listeners and peer links: a consensus address
// must be a literal (CFG-19).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::net {

struct net_address {
  std::string ip; ///< canonical text of an IPv4 or IPv6 literal, no brackets
  std::uint16_t port = 0;

  bool operator==(const net_address&) const = default;
  /// "1.2.3.4:80" or "[::1]:80".
  [[nodiscard]] std::string text() const;
};

/// Parses "ip:port" or "[ip6]:port". On failure the result is empty and `why` says which part is wrong and
/// what it should look like. Port 0 is refused unless `allow_zero_port`. Pure; any thread.
[[nodiscard]] std::optional<net_address> parse_address(std::string_view text, std::string& why,
                                                       bool allow_zero_port = false);

/// True when a socket can be bound to this IP on this host now (all of 127.0.0.0/8 can). That is what
/// "present on this host" means for a consensus address (CFG-19). Makes one short system call; any thread.
[[nodiscard]] bool can_bind(const std::string& ip);

} // namespace holdfast::net
