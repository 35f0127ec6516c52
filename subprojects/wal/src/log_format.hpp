// Bytes of `log.<n>` (the layout stands in wal/log.hpp): encoding, checked decoding, the size rule.
#pragma once

#include "wal/types.hpp"

#include <optional>

namespace holdfast::wal {

inline constexpr std::size_t log_header_bytes = 64;
inline constexpr std::size_t frame_header_bytes = 32;
inline constexpr std::size_t sector_bytes = 512;

struct log_header {
  generation gen;
  log_index base_index;
  log_term base_term;
  chain_value base_chain;
  std::uint32_t small_step = 0;
  std::uint32_t large_step = 0;
  std::uint32_t spare = 0;
  bool operator==(const log_header&) const = default;
};

/// The 64 bytes; the last four are their CRC.
bytes encode_log_header(const log_header& header);
/// Bounded; for any input. `corrupt` with the reason.
result<log_header> decode_log_header(byte_view data);
/// CRC in the encoded header: seeds the header check of every record in the file.
std::uint32_t crc_of_log_header(const log_header& header);

/// File size that belongs to content ending at byte `end`: the same on all nodes.
std::uint64_t ruled_size(const log_header& header, std::uint64_t end) noexcept;

struct frame_header {
  std::uint32_t payload_bytes = 0;
  std::uint8_t kind = 0;
  bool cut = false;
  log_index index;
  log_term term;
  chain_value chain;
};

/// Bytes of a whole record on disk.
constexpr std::uint64_t frame_bytes(std::uint64_t payload_bytes) noexcept {
  return (frame_header_bytes + payload_bytes + 1 + 7) & ~std::uint64_t{7};
}

/// Appends a whole record to `out`; returns its chain value.
chain_value encode_frame(bytes& out, const record_view& entry, std::uint32_t file_crc, chain_value before);
/// The header at the front of `data` (32 bytes at least) if its own check holds.
std::optional<frame_header> decode_frame_header(byte_view data, std::uint32_t file_crc);
/// Whether the whole record in `frame` (frame_bytes long) continues `before`.
bool frame_holds(byte_view frame, const frame_header& header, chain_value before);

} // namespace holdfast::wal
