// The frames by which a host claims an address, as bytes: ARP (RFC 826, RFC 5227) and IPv6 neighbour
// discovery (RFC 4861). Pure; any thread. The decoder is bounded and fuzzed: it sees whatever is on the wire.
//
// Ethernet header (14 bytes: destination, source, type) in front of each.
//   ARP: hardware 1, protocol 0x0800, 6, 4, operation, sender MAC, sender IP, target MAC, target IP
//   NA/NS: IPv6 header (hop limit 255), ICMPv6 type 136/135, checksum, flags, target, option 2/1 with the MAC
#pragma once

#include "actors/vip/vip_address.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace holdfast::vip {

using frame = std::vector<std::uint8_t>;

/// Gratuitous ARP in request form: sender = target = the address, target MAC zero, to everyone.
[[nodiscard]] frame arp_announce_request(const vip_address& vip, const mac_address& own);
/// Gratuitous ARP in reply form, to everyone. Some switches and hosts learn from one form alone.
[[nodiscard]] frame arp_announce_reply(const vip_address& vip, const mac_address& own);
/// Address probe: an ARP request with an empty sender IP, which disturbs no cache (RFC 5227 §2.1.1).
[[nodiscard]] frame arp_probe(const vip_address& vip, const mac_address& own);

/// Unsolicited neighbour advertisement with the override flag, to all nodes (RFC 4861 §7.2.6).
[[nodiscard]] frame neighbour_announce(const vip_address& vip, const mac_address& own);
/// Neighbour solicitation from the unspecified address, as duplicate address detection sends it (RFC 4862
/// §5.4).
[[nodiscard]] frame neighbour_probe(const vip_address& vip, const mac_address& own);

/// Frames that announce `vip` from `own`, in the order to send.
[[nodiscard]] std::vector<frame> announcements(const vip_address& vip, const mac_address& own);
/// The frame that asks whether anyone has `vip`.
[[nodiscard]] frame probe(const vip_address& vip, const mac_address& own);

/// The MAC that claims `vip` in this Ethernet frame; nothing when the frame is about something else, is a
/// mere question, or is malformed.
[[nodiscard]] std::optional<mac_address> claimed_by(std::span<const std::uint8_t> ethernet,
                                                    const vip_address& vip);

} // namespace holdfast::vip
