#include "actors/vip/claim_frame.hpp"

#include <algorithm>

namespace holdfast::vip {

namespace {

constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t arp_bytes = 28;
constexpr std::size_t ipv6_bytes = 40;
constexpr std::size_t neighbour_bytes = 32; // ICMPv6 head, flags, target, link-layer option
constexpr std::size_t smallest_frame = 60;  // without the frame check sequence
constexpr std::uint8_t type_solicitation = 135;
constexpr std::uint8_t type_advertisement = 136;
constexpr std::uint8_t icmpv6 = 58;

constexpr mac_address everyone{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr mac_address all_nodes_mac{{0x33, 0x33, 0, 0, 0, 1}};

void put16(frame& out, unsigned v) {
  out.push_back(static_cast<std::uint8_t>(v >> 8U));
  out.push_back(static_cast<std::uint8_t>(v & 0xFFU));
}

void put(frame& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

unsigned get16(std::span<const std::uint8_t> in, std::size_t at) {
  return static_cast<unsigned>(in[at] << 8U) | in[at + 1];
}

frame arp(unsigned operation, const mac_address& own, std::span<const std::uint8_t> sender_ip,
          const mac_address& target_mac, const vip_address& target) {
  frame out;
  out.reserve(smallest_frame);
  put(out, everyone.bytes);
  put(out, own.bytes);
  put16(out, 0x0806);
  put16(out, 1);
  put16(out, 0x0800);
  out.push_back(6);
  out.push_back(4);
  put16(out, operation);
  put(out, own.bytes);
  put(out, sender_ip);
  put(out, target_mac.bytes);
  put(out, std::span{target.bytes}.first(4));
  out.resize(smallest_frame);
  return out;
}

/// RFC 4443 §2.3: ones' complement over the pseudo header and the message.
unsigned icmp_checksum(std::span<const std::uint8_t> source, std::span<const std::uint8_t> dest,
                       std::span<const std::uint8_t> message) {
  std::uint32_t sum = static_cast<std::uint32_t>(message.size()) + icmpv6;
  const auto add = [&sum](std::span<const std::uint8_t> bytes) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
      sum += get16(bytes, i);
    }
  };
  add(source);
  add(dest);
  add(message);
  while (sum >> 16U) {
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  return ~sum & 0xFFFFU;
}

struct neighbour_parts {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint8_t option; ///< 0: none
  std::array<std::uint8_t, 16> source;
  std::array<std::uint8_t, 16> dest;
  mac_address dest_mac;
};

frame neighbour(const neighbour_parts& parts, const vip_address& target, const mac_address& own) {
  frame message{parts.type, 0, 0, 0, parts.flags, 0, 0, 0};
  put(message, target.bytes);
  if (parts.option != 0) {
    message.push_back(parts.option);
    message.push_back(1); // in units of eight bytes
    put(message, own.bytes);
  }
  const unsigned sum = icmp_checksum(parts.source, parts.dest, message);
  message[2] = static_cast<std::uint8_t>(sum >> 8U);
  message[3] = static_cast<std::uint8_t>(sum & 0xFFU);
  frame out;
  put(out, parts.dest_mac.bytes);
  put(out, own.bytes);
  put16(out, 0x86dd);
  put16(out, 0x6000);
  put16(out, 0);
  put16(out, static_cast<unsigned>(message.size()));
  out.push_back(icmpv6);
  out.push_back(255);
  put(out, parts.source);
  put(out, parts.dest);
  put(out, message);
  return out;
}

std::optional<mac_address> claimed_by_arp(std::span<const std::uint8_t> body, const vip_address& vip) {
  if (body.size() < arp_bytes || get16(body, 0) != 1 || get16(body, 2) != 0x0800 || body[4] != 6 ||
      body[5] != 4) {
    return std::nullopt;
  }
  const auto sender_ip = body.subspan(14, 4);
  if (!std::equal(sender_ip.begin(), sender_ip.end(), vip.bytes.begin())) {
    return std::nullopt;
  }
  mac_address who;
  std::copy_n(body.begin() + 8, 6, who.bytes.begin());
  return who;
}

std::optional<mac_address> claimed_by_neighbour(std::span<const std::uint8_t> ethernet,
                                                const vip_address& vip) {
  const auto body = ethernet.subspan(ethernet_bytes);
  if (body.size() < ipv6_bytes + 24 || body[6] != icmpv6 || body[7] != 255 ||
      body[ipv6_bytes] != type_advertisement) {
    return std::nullopt;
  }
  const auto target = body.subspan(ipv6_bytes + 8, 16);
  if (!std::equal(target.begin(), target.end(), vip.bytes.begin())) {
    return std::nullopt;
  }
  mac_address who;
  // The option may be missing in an answer to a unicast question: then the Ethernet source stands for it.
  const bool has_option = body.size() >= ipv6_bytes + neighbour_bytes && body[ipv6_bytes + 24] == 2;
  const auto from = has_option ? body.subspan(ipv6_bytes + 26, 6) : ethernet.subspan(6, 6);
  std::copy_n(from.begin(), 6, who.bytes.begin());
  return who;
}

} // namespace

frame arp_announce_request(const vip_address& vip, const mac_address& own) {
  return arp(1, own, std::span{vip.bytes}.first(4), mac_address{}, vip);
}

frame arp_announce_reply(const vip_address& vip, const mac_address& own) {
  return arp(2, own, std::span{vip.bytes}.first(4), everyone, vip);
}

frame arp_probe(const vip_address& vip, const mac_address& own) {
  static constexpr std::array<std::uint8_t, 4> nobody{};
  return arp(1, own, nobody, mac_address{}, vip);
}

frame neighbour_announce(const vip_address& vip, const mac_address& own) {
  constexpr std::uint8_t override_flag = 0x20;
  const std::array<std::uint8_t, 16> all_nodes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return neighbour({type_advertisement, override_flag, 2, vip.bytes, all_nodes, all_nodes_mac}, vip, own);
}

frame neighbour_probe(const vip_address& vip, const mac_address& own) {
  std::array<std::uint8_t, 16> group{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0};
  std::copy_n(vip.bytes.begin() + 13, 3, group.begin() + 13);
  mac_address group_mac{{0x33, 0x33, 0xff, vip.bytes[13], vip.bytes[14], vip.bytes[15]}};
  return neighbour({type_solicitation, 0, 0, {}, group, group_mac}, vip, own);
}

std::vector<frame> announcements(const vip_address& vip, const mac_address& own) {
  if (vip.kind == family::v4) {
    return {arp_announce_request(vip, own), arp_announce_reply(vip, own)};
  }
  return {neighbour_announce(vip, own)};
}

frame probe(const vip_address& vip, const mac_address& own) {
  return vip.kind == family::v4 ? arp_probe(vip, own) : neighbour_probe(vip, own);
}

std::optional<mac_address> claimed_by(std::span<const std::uint8_t> ethernet, const vip_address& vip) {
  if (ethernet.size() < ethernet_bytes) {
    return std::nullopt;
  }
  const unsigned type = get16(ethernet, 12);
  if (type == 0x0806 && vip.kind == family::v4) {
    return claimed_by_arp(ethernet.subspan(ethernet_bytes), vip);
  }
  if (type == 0x86dd && vip.kind == family::v6) {
    return claimed_by_neighbour(ethernet, vip);
  }
  return std::nullopt;
}

} // namespace holdfast::vip
