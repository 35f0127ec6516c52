// IP literals and "ip:port" as the settings use them. Strict (C-20): no host names, no blanks, no zones.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::node {

[[nodiscard]] bool is_ip(std::string_view text);
[[nodiscard]] bool is_loopback(std::string_view text);

struct ip_prefix {
  std::string address;
  unsigned length = 0;
};
/// "10.0.0.5/24", "fd00::5/64". Nothing when it is not exactly that.
[[nodiscard]] std::optional<ip_prefix> parse_cidr(std::string_view text);

struct ip_endpoint {
  std::string address;
  std::uint16_t port = 0; ///< 1..65535
};
/// "10.0.0.5:8093", "[fd00::5]:8093".
[[nodiscard]] std::optional<ip_endpoint> parse_endpoint(std::string_view text);
/// Brackets around an IPv6 address.
[[nodiscard]] std::string to_string(const ip_endpoint& endpoint);
/// Two spellings of one address ("::1" and "0:0::1").
[[nodiscard]] bool same_ip(std::string_view left, std::string_view right);
/// True when both "ip/prefix" texts are well formed, of one family, and `other` lies in the network of
/// `cidr`.
[[nodiscard]] bool same_network(std::string_view cidr, std::string_view other);
/// 1..65535, decimal digits alone.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text);
/// "https://10.0.0.5:8092"
[[nodiscard]] std::string https_url(std::string_view address, std::uint16_t port);

} // namespace holdfast::node
