// The application's handshake on a peer link: who speaks, to whom, in which cluster and protocol, for what.
// TLS alone does not say that a link is up, because a TLS 1.3 dialler finishes its handshake before the
// listener has judged its certificate (field notes A3). The dialler sends a hello frame, the listener answers
// it; no other frame is looked at before that, and whatever follows on the connection is bound to these
// names. Pure; fuzzed.
//
// hello:  "HFPL" | u16 protocol | u16 oldest protocol spoken | u8 purpose | u8 zero | 3 strings: cluster id,
// sender,
//         receiver (each u8 length + bytes, 1..64 bytes of [0-9A-Za-z._:-])
// answer: "HFPA" | u16 protocol agreed | u8 verdict | u8 zero | cluster id and sender as above (the sender
// may be empty
//         on a refusal) | u16 length + reason (UTF-8, at most 400 bytes)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::net {

/// Log traffic and bulk never share a connection: a snapshot must not delay a heartbeat.
enum class link_purpose : std::uint8_t { raft = 1, bulk = 2, watch = 3 };
[[nodiscard]] std::string_view to_string(link_purpose purpose);

enum class hello_verdict : std::uint8_t {
  welcome = 0,
  wrong_cluster = 1,
  wrong_receiver = 2, ///< the dialler meant somebody else
  wrong_sender = 3,   ///< the certificate belongs to another node id than the one claimed
  wrong_protocol = 4, ///< no protocol version in common
  wrong_purpose = 5,
  not_admitted = 6, ///< the policy said no (for example: "you were removed")
  malformed = 7,
};
[[nodiscard]] std::string_view to_string(hello_verdict verdict);

struct peer_hello {
  std::uint16_t protocol = 1;
  std::uint16_t oldest_protocol = 1;
  link_purpose purpose = link_purpose::raft;
  std::string cluster_id;
  std::string sender;
  std::string receiver;
};

struct hello_answer {
  std::uint16_t protocol = 0;
  hello_verdict verdict = hello_verdict::malformed;
  std::string cluster_id;
  std::string sender;
  std::string reason;
};

inline constexpr std::size_t max_hello_bytes = 1024;

[[nodiscard]] std::string encode(const peer_hello& hello);
[[nodiscard]] std::string encode(const hello_answer& answer);
[[nodiscard]] std::optional<peer_hello> decode_hello(std::string_view body);
[[nodiscard]] std::optional<hello_answer> decode_hello_answer(std::string_view body);

/// What a node answers: `own` is itself (its `sender` and `cluster_id` count), `certificate_node` the node id
/// of the certificate the other side showed.
[[nodiscard]] hello_answer judge_hello(const peer_hello& own, const peer_hello& theirs,
                                       std::string_view certificate_node);

} // namespace holdfast::net
