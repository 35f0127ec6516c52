// The roles as structs: what belongs to a role lives and dies with it. Which one a node is in is a variant,
// so a follower cannot hold a leader's data.
#pragma once

#include <raft/message.hpp>
#include <raft/progress.hpp>

#include <deque>

namespace holdfast::raft {

struct follower_role {
  node_id leader;     ///< nil: none heard in this term
  instant last_heard; ///< of that leader
  /// The leader's host refused a connection, or its release ticket came: no stickiness until it is heard
  /// again, quick pre-votes until `hurry_until`.
  bool leader_gone = false;
  instant hurry_until;
};

struct vote_record {
  node_id from;
  bool granted = false;
};

struct pre_candidate_role {
  std::vector<vote_record> votes;
  instant hurry_until;         ///< see follower_role
  std::uint32_t campaigns = 0; ///< lost since a leader was heard
  bool yields = false;         ///< to another one that asked at the same moment
};

/// From when on an earlier leader's lease has surely ended. Term 0: of an unknown earlier term.
struct lease_claim {
  term_t term;
  instant clear_at;
};

struct candidate_role {
  std::vector<vote_record> votes;
  instant hurry_until;                 ///< see follower_role
  std::optional<term_t> released_term; ///< its holder let go of its lease before it named this node
  std::vector<lease_claim> claims;
  std::uint32_t campaigns = 0; ///< this one included
  instant began;
  duration retry{0}; ///< drawn; counts from when the own vote is durable, zero once it does
};

/// Reads that wait for one round. `remote` nil: asked here.
struct waiting_read {
  node_id remote;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  context_id context = 0;
  instant asked;
};
struct read_batch {
  std::uint64_t round = 0;
  index_t index;
  std::vector<waiting_read> reads;
};

struct sent_round {
  std::uint64_t round = 0;
  instant sent;
  std::uint64_t handover_epoch = 0;
};

struct active_transfer {
  node_id target;
  instant deadline;
  context_id context = 0;
  bool has_context = false;
  bool lease_released = false;
  bool leave_after = false; ///< no longer a voter: leadership ends with the transfer, however it ends
  instant last_sent;
};

struct departing_peer {
  node_id id;
  instant until;
  instant last_sent;
};

struct leader_role {
  std::vector<progress> peers; ///< everybody in the configuration but this node
  instant elected_at;
  index_t first_own; ///< the noop of this term; nothing is read or changed before it is committed
  instant next_heartbeat;
  std::uint64_t round = 0;             ///< newest sent
  std::deque<sent_round> rounds;       ///< sent and not yet answered by a quorum, bounded
  std::vector<waiting_read> new_reads; ///< not yet part of a round
  std::deque<read_batch> batches;
  std::uint64_t confirmed_round = 0;
  std::optional<instant> lease_until;
  std::uint64_t handover_epoch = 0;
  std::optional<active_transfer> transfer;
  std::vector<lease_claim> claims;
  std::vector<departing_peer> departing;
  std::uint64_t uncommitted_bytes = 0;
  std::optional<context_id> change_context; ///< of the change whose joint phase is running

  [[nodiscard]] progress* find(node_id id) {
    for (progress& p : peers)
      if (p.id == id)
        return &p;
    return nullptr;
  }
  [[nodiscard]] const progress* find(node_id id) const { return const_cast<leader_role*>(this)->find(id); }
};

using role_variant = std::variant<follower_role, pre_candidate_role, candidate_role, leader_role>;

/// The leases this node may have helped to extend: the newest by term, and whatever came before.
struct lease_promises {
  term_t term;
  std::optional<instant> answered;       ///< to the leader of `term`
  std::optional<instant> answered_older; ///< to any leader before
  std::vector<term_t> tickets;           ///< terms whose holder is proven gone, newest last, bounded
};

struct handover_mark {
  term_t term;
  std::uint64_t epoch = 0;
};

struct incoming_snapshot {
  snapshot_meta meta;
  node_id from;
  byte_count stored;
  bool known = false; ///< the host has told what is stored
  bool installing = false;
};

struct pending_proposal {
  context_id context = 0;
  index_t index;
  term_t term;
};

/// Reads asked of a follower, waiting for the leader's answer.
struct forwarded_reads {
  std::uint64_t session = 0; ///< random per start
  std::uint64_t sequence = 0;
  struct batch {
    std::uint64_t sequence = 0;
    instant sent;
    std::vector<waiting_read> reads;
  };
  std::vector<waiting_read> waiting; ///< arrived while a batch was out
  std::optional<batch> out;
};

} // namespace holdfast::raft
