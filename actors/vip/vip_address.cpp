#include "actors/vip/vip_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace holdfast::vip {

namespace {

bool usable(const vip_address& a) {
  const auto all_zero = std::all_of(a.bytes.begin(), a.bytes.end(), [](std::uint8_t b) { return b == 0; });
  if (all_zero) {
    return false;
  }
  if (a.kind == family::v4) {
    return a.bytes[0] != 127 && a.bytes[0] < 224;
  }
  const bool loopback =
      std::all_of(a.bytes.begin(), a.bytes.begin() + 15, [](std::uint8_t b) { return b == 0; });
  return a.bytes[0] != 0xff && !loopback;
}

} // namespace

std::optional<vip_address> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) {
    return std::nullopt;
  }
  vip_address out;
  const std::string host{text.substr(0, slash)};
  if (inet_pton(AF_INET, host.c_str(), out.bytes.data()) == 1) {
    out.kind = family::v4;
  } else if (inet_pton(AF_INET6, host.c_str(), out.bytes.data()) == 1) {
    out.kind = family::v6;
  } else {
    return std::nullopt;
  }
  const auto digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (bad != std::errc{} || end != digits.data() + digits.size() || prefix == 0 ||
      prefix > out.host_prefix()) {
    return std::nullopt;
  }
  out.prefix = static_cast<std::uint8_t>(prefix);
  return usable(out) ? std::optional{out} : std::nullopt;
}

std::string to_text(const vip_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.kind == family::v4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool same_network(const vip_address& vip, const vip_address& other) {
  if (vip.kind != other.kind) {
    return false;
  }
  unsigned bits = vip.prefix;
  for (std::size_t i = 0; i < vip.size() && bits > 0; ++i) {
    const unsigned take = std::min(bits, 8U);
    const auto mask = static_cast<std::uint8_t>(0xFFU << (8U - take));
    if (((vip.bytes[i] ^ other.bytes[i]) & mask) != 0) {
      return false;
    }
    bits -= take;
  }
  return true;
}

std::string to_text(const mac_address& mac) {
  const auto& b = mac.bytes;
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4], b[5]);
}

bool valid_interface_name(std::string_view name) {
  if (name.empty() || name.size() > 15 || name == "." || name == "..") {
    return false;
  }
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u <= 0x20 || u == '/' || u >= 0x7f || u == ':';
  });
}

} // namespace holdfast::vip
