// What members say to one another. Value types; the bytes are in codec.hpp.
//
// Every message carries cluster, sender, receiver, protocol version and the sender's term. A receiver drops
// and counts a message of another cluster, for another node, or of another version.
#pragma once

#include <raft/config.hpp>
#include <raft/types.hpp>

#include <variant>

namespace holdfast::raft {

inline constexpr std::uint8_t protocol_version = 1;

/// Pre-vote and vote (thesis §3.4, §9.6). A pre-vote asks for `asked_term` without anybody changing its term.
struct vote_request {
  bool pre = false;
  term_t asked_term; ///< pre: the sender's term + 1; vote: the sender's term
  index_t last_index;
  term_t last_term;
  /// Set when a leader told the sender to take over: overrides stickiness at voters that have not heard a
  /// newer handover epoch from that leader (see timeout_now).
  bool forced = false;
  term_t handover_term;
  std::uint64_t handover_epoch = 0;
};

/// Echoes what was asked, so that old and new answers are never confused.
struct vote_response {
  bool pre = false;
  bool granted = false;
  term_t asked_term;
  /// How long, by the voter's clock, the latest lease it helped to extend may still run, and whose (term).
  duration lease_remaining{0};
  term_t lease_term;
  duration older_lease_remaining{0}; ///< the same for any lease of an earlier term
};

/// Entries (maybe none) that follow (prev_index, prev_term).
struct append_request {
  index_t prev_index;
  term_t prev_term;
  index_t commit;
  index_t leader_last; ///< end of the leader's log; tells a recovering node how far it has to come
  std::uint64_t handover_epoch = 0;
  std::vector<entry> entries;
};

struct append_response {
  bool rejected = false;
  bool recovering = false;     ///< does not count in any quorum
  bool needs_snapshot = false; ///< a blank node: it has no configuration yet
  index_t match;      ///< accepted: durable here up to this index; rejected: the prev_index that was refused
  index_t hint_index; ///< rejected: the largest index that may match
  term_t hint_term;   ///< rejected: the term the receiver has at hint_index
};

/// Starts a round; carries no entries, so it is answered without the disk.
struct heartbeat {
  std::uint64_t round = 0; ///< grows within a leadership, never reused; confirms reads and extends the lease
  index_t commit;          ///< never beyond what the receiver is known to hold
  index_t leader_last;
  std::uint64_t handover_epoch = 0;
  std::uint64_t recovery_mark = 0; ///< the one last heard from the receiver: this was sent after its start
};

struct heartbeat_response {
  std::uint64_t round = 0;
  bool recovering = false;
  std::uint64_t recovery_mark = 0; ///< recovering: random per start; otherwise 0
  index_t last_index;              ///< end of the sender's log, durable or not
};

/// "Take over now" (thesis §3.10). Sent again on every tick until the transfer ends. The epoch grows with
/// each transfer; appends and heartbeats carry the current one, so a late copy can be told from a valid one.
struct timeout_now {
  std::uint64_t handover_epoch = 0;
  bool lease_released = false; ///< the old holder of the lease has let go of what it guards
};

/// A follower asks the leader for a read index. `session` is random per start of the asker.
struct read_index_request {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
};
struct read_index_response {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  bool ok = false;
  index_t index;
};

struct snapshot_meta {
  snapshot_id id;
  index_t index; ///< last entry contained
  term_t term;   ///< of that entry
  byte_count size;
  config members; ///< configuration at `index`
};

/// Idempotent: announces a snapshot and asks how much of it is there.
struct snapshot_offer {
  snapshot_meta meta;
};
struct snapshot_status {
  snapshot_id id;
  index_t index;
  byte_count stored;      ///< send from here
  bool installed = false; ///< or no longer needed: the sender's log holds `index`
  bool recovering = false;
};

/// The sender of this has committed the receiver's removal (REM-07).
struct removed_notice {
  index_t config_index;
};
struct removed_ack {};

using message_body = std::variant<vote_request, vote_response, append_request, append_response, heartbeat,
                                  heartbeat_response, timeout_now, read_index_request, read_index_response,
                                  snapshot_offer, snapshot_status, removed_notice, removed_ack>;

struct message {
  cluster_id cluster;
  node_id from;
  node_id to;
  std::uint8_t version = protocol_version;
  term_t term; ///< the sender's current term
  message_body body;
};

/// Short name of the body's type, for logs and traces.
[[nodiscard]] const char* name_of(const message_body& body);

} // namespace holdfast::raft
