// What happened to the virtual address on one member, as its watchers hear it (contract §6: Type `vip`, Key
// the member's ConsensusID) and as members tell it one another, so that a watcher of the active hears of all.
//
// Between members (frame_notice): u8 version (1) | u8 what | u64 epoch | i64 wall clock, ms since 1970 |
// three texts, u8 length + bytes each: address, interface, detail. Integers little-endian. A later version
// may add bytes behind these; they are skipped. Pure; the decoder is bounded and fuzzed.
#pragma once

#include "messages/notice.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::vip {

enum class vip_change : std::uint8_t {
  taken = 1,       ///< the address is on this member
  released,        ///< it was taken off as asked
  lost,            ///< the guard took it off: no extension of the lease came in time
  restored,        ///< somebody deleted it; it is back
  stray_removed,   ///< it stood on a member that does not hold it
  conflict,        ///< another MAC claims it
  failed,          ///< the kernel or the script refused
  guard_died,      ///< and with it, until it is replaced, the right to the role
  guard_restarted, ///< the heir stands
  link_lost,
  link_back,
  unfit, ///< this member cannot carry the address; the detail says why
  fit,   ///< it can again
};

struct vip_notice {
  vip_change what = vip_change::taken;
  std::uint64_t epoch = 0;
  std::int64_t time_ms = 0;
  std::string address;
  std::string interface;
  std::string detail; ///< for people: errno text, MAC, reason
  bool operator==(const vip_notice&) const = default;
};

/// The Action of the event.
[[nodiscard]] std::string_view to_string(vip_change what);

/// The text, when it is UTF-8; otherwise with `?` for every byte that is not ASCII. Scripts print what they
/// like.
[[nodiscard]] std::string readable(std::string text);

/// Texts beyond 255 bytes are cut.
[[nodiscard]] std::string encode_notice(const vip_notice& notice);
/// Nothing when malformed, of version 0 or of an unknown kind.
[[nodiscard]] std::optional<vip_notice> decode_notice(std::string_view bytes);

/// `member`: ConsensusID of the member where it happened.
[[nodiscard]] msg::notice to_event(const vip_notice& notice, const std::string& member);

} // namespace holdfast::vip
