// What our entries in the raft log mean. Kinds below 16 belong to the consensus core (no-op, membership);
// these are the application's. A host that meets an application kind it does not know must stop: it would
// part from the members that know it. A version gate entry goes first, so that this never happens in an
// upgrade.
//
// Payloads (fields as in messages/wire.hpp; each starts with its own version byte, 1 unless said otherwise,
// and nothing may follow the last field):
//
//   16 command       a transaction, see messages/transaction_codec.hpp
//   17 compact       u8 version, u64 generation
//                    every member writes base.<generation> from its state at this entry's index
//   18 state_hash    u8 version, u64 index, u64 hash of the commands, u64 hash of the contents
//                    the proposer's digest when it had applied exactly `index`
//   19 version_gate  u8 version, u32 format: from here on entries of that format may come
//   20 activate      u8 version, 16 bytes node id, u64 epoch (the term of the leader that proposed it)
//                    that node is the active one from here on; an all-zero id: nobody is
#pragma once

#include "messages/transaction_codec.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <variant>

namespace holdfast::msg {

enum class entry_kind : std::uint8_t {
  command = 16,
  compact = 17,
  state_hash = 18,
  version_gate = 19,
  activate = 20,
};

/// The newest format this program can replay; see version_gate.
inline constexpr std::uint32_t newest_format = 1;

/// A node's ConsensusID as 16 raw bytes (the UUID in the order it is printed). All zero: no node.
struct node_uid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const node_uid&) const = default;
  [[nodiscard]] bool none() const { return *this == node_uid{}; }
};

/// "550e8400-e29b-41d4-a716-446655440000", upper or lower case; anything else: nothing. Pure.
[[nodiscard]] std::optional<node_uid> parse_node_uid(std::string_view text);
/// Lower case, with dashes. Pure.
[[nodiscard]] std::string to_string(const node_uid& id);

/// What a member has applied, in 16 bytes. `commands` chains over every applied entry and its outcome;
/// `contents` is a sum over the objects that exist, whatever way led to them.
struct state_digest {
  std::uint64_t commands = 0;
  std::uint64_t contents = 0;
  bool operator==(const state_digest&) const = default;
};

struct compact_mark {
  std::uint64_t generation = 0;
  bool operator==(const compact_mark&) const = default;
};

struct state_hash_mark {
  std::uint64_t index = 0;
  state_digest digest;
  bool operator==(const state_hash_mark&) const = default;
};

struct version_gate {
  std::uint32_t format = newest_format;
  bool operator==(const version_gate&) const = default;
};

struct activation {
  node_uid node;
  std::uint64_t epoch = 0;
  bool operator==(const activation&) const = default;
};

/// Appends the payload of an entry of the matching kind. Pure, any thread.
void encode(const compact_mark& mark, byte_buffer& out);
void encode(const state_hash_mark& mark, byte_buffer& out);
void encode(const version_gate& gate, byte_buffer& out);
void encode(const activation& act, byte_buffer& out);

/// One application entry, decoded.
using log_command = std::variant<transaction, compact_mark, state_hash_mark, version_gate, activation>;

struct decoded_entry {
  codec_error error = codec_error::none;
  bool unknown_kind = false; ///< error is malformed and the cause is the kind: the host must stop
  log_command command;       ///< meaningful only when error is none
};

/// Decodes the payload of an application entry. `kind` is the raw byte of the log record. Any error is fatal
/// for a host replaying a committed log; a node checking a forwarded proposal answers it as bad input. Pure.
[[nodiscard]] decoded_entry decode_entry(std::uint8_t kind, byte_view payload,
                                         const transaction_limits& limits = {});

} // namespace holdfast::msg
