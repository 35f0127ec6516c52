// Bytes of raft messages and of configuration entries.
//
// All integers little-endian, fixed width. A message:
//   u8  protocol version (1)      checked first; another version is not parsed any further
//   u8  body type                 position in message_body, from 1
//   16  cluster   16 from   16 to     each id: u64 high, u64 low
//   u64 term of the sender
//   ..  body: the fields of the struct in message.hpp in order
// Field forms: bool = u8 0|1; index, term, counter, byte count, snapshot id = u64; duration = u64
// microseconds; string = u32 length + bytes; list = u32 count + elements; entry = u64 term, u64 index, u8
// kind, u32 length + payload; config (also the payload of a kind_config entry, preceded there by u8 format 1)
// =
//   u8 joint, list of member (16 id, u8 flags: 1 voter, 2 outgoing, 4 leaving, 8 observer; string address),
//   list of removed ids (16 each).
// Nothing may follow. Counts and lengths are checked against limits and against the bytes that are left
// before anything is allocated. Integrity is the transport's business (TLS) and the log's (its record
// checksums).
#pragma once

#include <raft/config.hpp>
#include <raft/message.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace holdfast::raft {

enum class decode_error : std::uint8_t {
  truncated,
  trailing_bytes,
  bad_version,
  bad_type,
  bad_value,
  too_large
};
[[nodiscard]] const char* to_string(decode_error e);

/// Appends to `to`.
void encode(const message& m, std::string& to);
[[nodiscard]] std::string encode(const message& m);
[[nodiscard]] std::variant<message, decode_error> decode_message(std::string_view bytes, const limits& lim);

/// The sender an encoded message names, without decoding the rest; nothing when there is none. Lets a
/// transport check it against the peer at the other end before anything else looks at the bytes.
[[nodiscard]] std::optional<node_id> peek_sender(std::string_view bytes);

[[nodiscard]] std::string encode_config(const config& c);
[[nodiscard]] std::variant<config, decode_error> decode_config(std::string_view bytes, const limits& lim);

} // namespace holdfast::raft
