#include "actors/node/addresses.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace holdfast::node {

namespace {

struct raw_ip {
  int family = 0;
  std::array<unsigned char, 16> bytes{};
};

std::optional<raw_ip> parse_ip(std::string_view text) {
  if (text.empty() || text.size() > INET6_ADDRSTRLEN)
    return std::nullopt;
  const std::string copy(text);
  if (copy.size() != std::strlen(copy.c_str()))
    return std::nullopt;
  for (const int family : {AF_INET, AF_INET6}) {
    raw_ip out;
    out.family = family;
    if (inet_pton(family, copy.c_str(), out.bytes.data()) == 1)
      return out;
  }
  return std::nullopt;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size() || value > most)
    return std::nullopt;
  return value;
}

} // namespace

bool is_ip(std::string_view text) {
  return parse_ip(text).has_value();
}

bool is_loopback(std::string_view text) {
  const auto ip = parse_ip(text);
  if (!ip)
    return false;
  if (ip->family == AF_INET)
    return ip->bytes[0] == 127;
  std::array<unsigned char, 16> one{};
  one[15] = 1;
  return ip->bytes == one;
}

std::optional<ip_prefix> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip)
    return std::nullopt;
  const auto length = parse_number(text.substr(slash + 1), ip->family == AF_INET ? 32 : 128);
  if (!length)
    return std::nullopt;
  return ip_prefix{std::string(text.substr(0, slash)), *length};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto value = parse_number(text, 65535);
  if (!value || *value == 0)
    return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::optional<ip_endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  const auto ip = parse_ip(host);
  const auto port = parse_port(text.substr(colon + 1));
  // Without brackets "::1:80" could mean two things, so an IPv6 address must wear them.
  if (!ip || !port || bracketed != (ip->family == AF_INET6))
    return std::nullopt;
  return ip_endpoint{std::string(host), *port};
}

std::string to_string(const ip_endpoint& endpoint) {
  const bool six = endpoint.address.find(':') != std::string::npos;
  return (six ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

bool same_ip(std::string_view left, std::string_view right) {
  const auto a = parse_ip(left);
  const auto b = parse_ip(right);
  return a && b && a->family == b->family && a->bytes == b->bytes;
}

std::string https_url(std::string_view address, std::uint16_t port) {
  return "https://" + to_string(ip_endpoint{std::string(address), port});
}

bool same_network(std::string_view cidr, std::string_view other) {
  const auto network = parse_cidr(cidr);
  const auto host = parse_cidr(other);
  if (!network || !host)
    return false;
  const auto left = parse_ip(network->address);
  const auto right = parse_ip(host->address);
  if (!left || !right || left->family != right->family)
    return false;
  for (unsigned bit = 0; bit < network->length; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> (bit % 8U));
    if (((left->bytes[bit / 8U] ^ right->bytes[bit / 8U]) & mask) != 0)
      return false;
  }
  return true;
}

} // namespace holdfast::node
