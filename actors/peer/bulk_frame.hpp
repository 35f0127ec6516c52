// Snapshot bytes on a bulk link. Body of a frame of type frame_chunk:
//   u64 snapshot id, u64 index, u64 term, u64 size, text config (raft::encode_config form, at most 1 MiB),
//   u64 offset, text bytes (at most 8 MiB)
// TLS guards the bytes on the way, the base file's own checksums guard the whole (wal/base_file.hpp). Fuzzed.
#pragma once

#include "messages/consensus.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::peer {

inline constexpr std::uint8_t frame_raft = 2;  ///< one raft::message in raft::encode form
inline constexpr std::uint8_t frame_chunk = 3; ///< bulk links alone
/// What a member says of itself, at most max_digest bytes; the vip room's (actors/vip/member_digest.hpp).
inline constexpr std::uint8_t frame_digest = 4;
inline constexpr std::size_t max_digest = 256;
/// What happened to the virtual address on a member, for watchers of events (actors/vip/vip_notice.hpp).
inline constexpr std::uint8_t frame_notice = 5;
inline constexpr std::size_t max_notice = 1024;
/// A third member's release ticket, passed on once (actors/vip/release_ticket.hpp).
inline constexpr std::uint8_t frame_ticket = 6;
inline constexpr std::size_t max_ticket = 512;
/// u64, little-endian: the sender holds everything up to this index; about twice a second, when it changed.
inline constexpr std::uint8_t frame_handled = 7;

[[nodiscard]] std::string encode_handled(std::uint64_t index);
/// Nothing unless it is exactly that.
[[nodiscard]] std::optional<std::uint64_t> decode_handled(std::string_view body);

[[nodiscard]] std::string encode_chunk(const msg::snapshot_bytes& chunk);
/// Nothing when malformed or beyond the bounds above.
[[nodiscard]] std::optional<msg::snapshot_bytes> decode_chunk(std::string_view body, const raft::limits& lim);

} // namespace holdfast::peer
