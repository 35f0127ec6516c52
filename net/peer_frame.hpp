// Frames of a peer link. On the wire, all integers little-endian:
//
//   offset 0  u32  length of the body
//          4  u8   type: 0 hello, 1 hello answer, 2..255 the user's
//          5  u8   flags: the user's
//          6  u16  zero
//          8  body
//
// No checksum: a link is always TLS 1.3, whose AEAD tag covers every byte (RFC 8446 §5.2); a flipped bit ends
// the connection before a frame is seen, so a CRC could only repeat that proof. The length is checked against
// the link's bound before a byte of the body is kept. Pure; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::net {

/// One frame as received. `body` is valid only during the callback.
struct peer_frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::string_view body;
};

inline constexpr std::size_t frame_header_bytes = 8;
inline constexpr std::uint8_t frame_hello = 0;
inline constexpr std::uint8_t frame_hello_answer = 1;
inline constexpr std::uint8_t frame_first_user_type = 2;

void append_frame(std::string& out, std::uint8_t type, std::uint8_t flags, std::string_view body);

enum class frame_status : std::uint8_t { whole, need_more, too_long, malformed };

struct frame_result {
  frame_status status = frame_status::need_more;
  peer_frame frame;         ///< when whole; points into the input
  std::size_t consumed = 0; ///< when whole
  std::size_t wanted = 0;   ///< when need_more: bytes the input must have before asking again is of use
};

/// Looks for one frame at the start of `input`.
[[nodiscard]] frame_result decode_frame(std::string_view input, std::size_t max_body);

} // namespace holdfast::net
