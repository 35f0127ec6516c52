// What daemon and guard say to each other, over a SOCK_SEQPACKET socketpair made before the fork: one message
// a packet, so there is no framing to get wrong. Both ends are the same binary; integers are in host order
// and the version byte guards nothing but mistakes. Little trust goes up: the guard checks lengths and ranges
// of what the daemon (which talks to the network) sends, and refuses the rest.
//
//   byte 0 version (1), byte 1 kind, then the fields of the kind; strings are u16 length + bytes.
//   to the guard:   configure(address text, interface, script), hold(deadline ns, epoch), release,
//                   probe(wait ms), ping(nonce), tickets(epoch, payload, targets "ip:port")
//   to the daemon:  note(what, epoch, detail), probe_result(taken, mac), pong(nonce), ready(missing
//   capability)
#pragma once

#include "actors/vip/guard_rules.hpp"
#include "actors/vip/vip_address.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::vip {

namespace to_guard {
/// An empty address: nothing to guard (load-balanced form). Changing it takes the old one off first.
struct configure {
  std::string cidr;
  std::string interface;
  std::string script; ///< runs instead of the kernel calls when not empty (VIP-08)
  bool operator==(const configure&) const = default;
};
struct hold {
  mono_ns deadline = 0;
  std::uint64_t epoch = 0;
};
struct release {};
struct probe {
  std::uint16_t wait_ms = 40;
};
struct ping {
  std::uint64_t nonce = 0;
};
/// Opaque signed bytes, to be sent to every target once the daemon is dead (architecture §7).
struct tickets {
  std::uint64_t epoch = 0;
  std::string payload;
  std::string source_ip;
  std::vector<std::string> targets;
};
using message = std::variant<configure, hold, release, probe, ping, tickets>;
} // namespace to_guard

namespace to_daemon {
struct note {
  guard_note what = guard_note::none;
  std::uint64_t epoch = 0;
  std::string detail; ///< for people: errno text, MAC
};
/// Nobody answered: `mac` is empty.
struct probe_result {
  std::string mac;
};
struct pong {
  std::uint64_t nonce = 0;
};
/// The guard stands. `missing` names what it was not given, for example "CAP_NET_ADMIN"; empty: everything.
struct ready {
  std::string missing;
};
using message = std::variant<note, probe_result, pong, ready>;
} // namespace to_daemon

inline constexpr std::size_t max_guard_packet = 8192;
inline constexpr std::size_t max_ticket_bytes = 1024;
inline constexpr std::size_t max_ticket_targets = 64;

[[nodiscard]] std::string encode(const to_guard::message& m);
[[nodiscard]] std::string encode(const to_daemon::message& m);
/// Nothing for anything malformed, too long or with bytes left over.
[[nodiscard]] std::optional<to_guard::message> decode_to_guard(std::span<const char> packet);
[[nodiscard]] std::optional<to_daemon::message> decode_to_daemon(std::span<const char> packet);

} // namespace holdfast::vip
