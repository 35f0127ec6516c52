// The virtual address as a typed value. The configured prefix says where the address belongs; on the
// interface it always goes as /32 or /128: a wider one can become the source address of the node and takes
// the node's own address away with it when it is deleted (architecture §7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::vip {

enum class family : std::uint8_t { v4 = 4, v6 = 6 };

struct vip_address {
  family kind = family::v4;
  std::array<std::uint8_t, 16> bytes{}; ///< network order; v4 uses the first four
  std::uint8_t prefix = 32;             ///< as configured
  bool operator==(const vip_address&) const = default;

  [[nodiscard]] std::size_t size() const { return kind == family::v4 ? 4 : 16; }
  [[nodiscard]] std::uint8_t host_prefix() const { return kind == family::v4 ? 32 : 128; }
};

/// "10.0.0.9/24" or "fd00::9/64". Nothing for a bare address, a bad prefix, the unspecified, a multicast or a
/// loopback address (VIP-16, CFG-07).
[[nodiscard]] std::optional<vip_address> parse_cidr(std::string_view text);
/// Without the prefix.
[[nodiscard]] std::string to_text(const vip_address& address);

/// True when `other` (same family) lies in the configured network of `vip`: the fit that enrolment checks.
[[nodiscard]] bool same_network(const vip_address& vip, const vip_address& other);

struct mac_address {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const mac_address&) const = default;
};
[[nodiscard]] std::string to_text(const mac_address& mac);

/// Linux rules for a link's name: 1 to 15 bytes, no slash, no white space, not "." or "..". A name that fits
/// can be given to the kernel and to a script's argv without surprise (VIP-11).
[[nodiscard]] bool valid_interface_name(std::string_view name);

} // namespace holdfast::vip
