// How consensus, the log's writer, replay and the peers talk to one another. All payloads are shared and
// never change after they were sent. Between two actors messages keep their order, which the protocol relies
// on:
//
//   replay  --propose, read-->  consensus  --persist-->  log_writer
//   replay  <--apply, outcomes, reads, role--  consensus  <--persisted, recovered, entries--  log_writer
//
// The three live and die together: an answer of an earlier life can reach nobody of the next one.
#pragma once

#include "messages/actors.hpp"
#include "messages/entry_kinds.hpp"
#include "messages/log_digest.hpp"

#include <raft/codec.hpp>
#include <raft/core.hpp>

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::msg {

using attach_atom = caf::atom_constant<caf::atom("attach")>;
using recovered_atom = caf::atom_constant<caf::atom("recovered")>;
using persist_atom = caf::atom_constant<caf::atom("persist")>;
using judged_atom = caf::atom_constant<caf::atom("judged")>;
using commit_atom = caf::atom_constant<caf::atom("commit")>;
using persisted_atom = caf::atom_constant<caf::atom("persisted")>;
using full_atom = caf::atom_constant<caf::atom("full")>;
using propose_atom = caf::atom_constant<caf::atom("propose")>;
using outcome_atom = caf::atom_constant<caf::atom("outcome")>;
using apply_atom = caf::atom_constant<caf::atom("apply")>;
using applied_atom = caf::atom_constant<caf::atom("applied")>;
using role_atom = caf::atom_constant<caf::atom("role")>;
using readlog_atom = caf::atom_constant<caf::atom("readlog")>;
using entries_atom = caf::atom_constant<caf::atom("entries")>;
using snapshot_atom = caf::atom_constant<caf::atom("snapshot")>;
using health_atom = caf::atom_constant<caf::atom("health")>;
using members_atom = caf::atom_constant<caf::atom("members")>;
using transfer_atom = caf::atom_constant<caf::atom("transfer")>;
using peer_atom = caf::atom_constant<caf::atom("peer")>;
using frame_atom = caf::atom_constant<caf::atom("frame")>;
using link_atom = caf::atom_constant<caf::atom("link")>;
using chunk_atom = caf::atom_constant<caf::atom("chunk")>;
using install_atom = caf::atom_constant<caf::atom("install")>;
using digests_atom = caf::atom_constant<caf::atom("digests")>;

/// What the log's writer found on disk: everything the core starts from, but time, seed and limits.
struct recovered_log {
  raft::node_id self;
  raft::cluster_id cluster;
  raft::hard_state state;
  raft::snapshot_meta snapshot;
  raft::index_t log_base;
  raft::term_t log_base_term;
  std::vector<raft::entry> log; ///< without payloads, except of configurations
  raft::index_t applied;        ///< what the loaded state holds already; the snapshot may be an older one
  raft::index_t commit;         ///< known to be committed in an earlier life; zero: nothing is known
};
using recovered_ptr = std::shared_ptr<const recovered_log>;

using persist_ptr = std::shared_ptr<const raft::persist_request>;
using entries_ptr = std::shared_ptr<const raft::ev::log_entries>;
using outcomes_ptr = std::shared_ptr<const std::vector<raft::proposal_outcome>>;
using reads_ptr = std::shared_ptr<const std::vector<raft::read_outcome>>;

/// Committed entries in log order. A compact entry comes with the configuration in effect at its index, which
/// goes into the snapshot made there.
struct apply_batch {
  std::vector<raft::entry> entries;
  std::vector<std::pair<raft::index_t, std::string>> cut_configs; ///< raft::encode_config form
};
using apply_ptr = std::shared_ptr<const apply_batch>;

/// This node's place, told to replay and to the supervisor whenever it changes.
struct role_info {
  raft::role role = raft::role::follower;
  raft::term_t term;
  raft::node_id self;
  raft::node_id leader;       ///< nil: none known
  raft::node_id active;       ///< nil: nobody is active in this term
  bool leader_silent = false; ///< a follower's: nothing was heard of the leader for as long as its lease
  bool disk_full = false;
  /// Leader only, refreshed about every second: lowest durable index of the members that answer, and whether
  /// one of them is being fed a snapshot. What compaction looks at.
  bool has_followers = false;
  std::uint64_t slowest_match = 0;
  bool snapshot_being_sent = false;
};

/// Answer to a membership change or a hand-over.
struct admin_result {
  bool done = false;
  std::string reason;   ///< for people, when not done
  bool unknown = false; ///< when not done: it may have been, or still be, done all the same
};

/// A whole state as the replay room loads it; nobody else looks inside.
class state_image {
public:
  virtual ~state_image() = default;
};
using state_image_ptr = std::shared_ptr<state_image>;

enum class link_state : std::uint8_t { up, down, refused };

/// Bytes of a base file on their way to a member, over the bulk connection.
struct snapshot_bytes {
  raft::snapshot_meta meta;
  std::uint64_t offset = 0;
  std::string bytes;
};
using snapshot_bytes_ptr = std::shared_ptr<const snapshot_bytes>;
using frame_ptr = std::shared_ptr<const std::string>; ///< one encoded raft::message

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::recovered_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::persist_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::entries_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::outcomes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::reads_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::apply_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::role_info)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::admin_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::log_digest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::link_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::snapshot_bytes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::frame_ptr) // and raft::payload_ptr, the same type
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::state_image_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::activation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::raft::snapshot_meta)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::raft::log_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::raft::node_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::raft::membership_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::raft::ev::snapshot_available)

namespace holdfast::msg {

/// The local face of a remote member, as consensus sees it. It owns its queues and drops what is too much:
/// consensus never waits for a peer.
using peer_actor =
    caf::typed_actor<caf::reacts_to<frame_atom, frame_ptr>, caf::reacts_to<chunk_atom, snapshot_bytes_ptr>>;

/// consensus: owns the raft core.
using consensus_actor = caf::typed_actor<
    /// The group's wiring: log_writer, replay; then whoever wants role_info and members_ptr (may be null):
    /// told on start and at every change. First message.
    caf::reacts_to<attach_atom, caf::strong_actor_ptr, caf::strong_actor_ptr, caf::strong_actor_ptr>,
    // From log_writer.
    caf::reacts_to<recovered_atom, recovered_ptr>, caf::reacts_to<persisted_atom, std::uint64_t>,
    /// The disk is full (or no longer), with the reason.
    caf::reacts_to<full_atom, bool, std::string>, caf::reacts_to<entries_atom, entries_ptr>,
    /// A snapshot stands on disk (also after an install); the log may start later now.
    caf::reacts_to<snapshot_atom, raft::ev::snapshot_available>,
    /// Receiving: bytes stored so far; installed or thrown away.
    caf::reacts_to<chunk_atom, std::uint64_t, std::uint64_t>,
    caf::reacts_to<install_atom, std::uint64_t, bool>,
    // From replay. Contexts are chosen by the sender; outcomes go to replay under the same context.
    caf::reacts_to<propose_atom, std::uint64_t, std::uint8_t, raft::payload_ptr>,
    caf::reacts_to<read_atom, std::uint64_t>,
    /// Applied up to this index, and who is active there.
    caf::reacts_to<applied_atom, std::uint64_t, activation>,
    // From peers: the face of a member comes (or goes, null), its link's state, a raft message, snapshot
    // bytes.
    caf::reacts_to<peer_atom, raft::node_id, caf::strong_actor_ptr>,
    caf::reacts_to<link_atom, raft::node_id, link_state>, caf::reacts_to<frame_atom, frame_ptr>,
    caf::reacts_to<chunk_atom, snapshot_bytes_ptr>,
    /// From replay: why its state cannot be trusted; empty: it can (again).
    caf::reacts_to<judged_atom, std::string>,
    // From the supervisor and the API.
    caf::reacts_to<health_atom, bool, std::string>, caf::reacts_to<caf::tick_atom>,
    caf::replies_to<status_atom>::with<consensus_status>,
    caf::replies_to<members_atom, raft::membership_change>::with<admin_result>,
    /// Hand-over: target (nil: the best candidate), milliseconds until it is given up.
    caf::replies_to<transfer_atom, raft::node_id, std::uint64_t>::with<admin_result>>;

/// log_writer: the one thread that touches `wal/` and `raft/`.
using log_writer_actor = caf::typed_actor<
    /// The group's wiring: consensus, replay. Opens the log, then tells both what was found. First message.
    caf::reacts_to<attach_atom, caf::strong_actor_ptr, caf::strong_actor_ptr>,
    caf::reacts_to<persist_atom, persist_ptr>, caf::reacts_to<readlog_atom, raft::log_read>,
    /// Committed up to this index and its term: kept for the next start, soon and with other news.
    caf::reacts_to<commit_atom, std::uint64_t, std::uint64_t>,
    /// replay: the state at a cut is at hand; write base.<n> for it.
    caf::reacts_to<snapshot_atom, std::uint64_t, frame_ptr, view_ptr>,
    /// Sending a base to a member, receiving one from a member, putting a received one in place.
    caf::reacts_to<chunk_atom, raft::snapshot_meta, std::uint64_t, std::uint64_t, caf::strong_actor_ptr>,
    caf::reacts_to<chunk_atom, snapshot_bytes_ptr>, caf::reacts_to<install_atom, raft::snapshot_meta, bool>,
    caf::replies_to<digests_atom, std::uint64_t>::with<log_digest>>;

/// replay as the group sees it; everybody else holds it as replay_actor.
using replay_group_actor = replay_actor::extend<
    /// The group's wiring: consensus, log_writer. First message.
    caf::reacts_to<attach_atom, caf::strong_actor_ptr, caf::strong_actor_ptr>,
    /// The state of the newest snapshot on disk (null: empty), at start and after an install; the snapshot's
    /// size in bytes and the last index on disk.
    caf::reacts_to<snapshot_atom, state_image_ptr, std::uint64_t, std::uint64_t>,
    caf::reacts_to<apply_atom, apply_ptr>, caf::reacts_to<outcome_atom, outcomes_ptr>,
    caf::reacts_to<read_atom, reads_ptr>, caf::reacts_to<role_atom, role_info>,
    /// base.<n> for the cut at this index stands on disk: its size in bytes.
    caf::reacts_to<snapshot_atom, std::uint64_t, std::uint64_t>, caf::reacts_to<caf::tick_atom>,
    /// The members have compared their states at that index: this node's is right (it serves again), or
    /// wrong.
    caf::reacts_to<judged_atom, std::uint64_t, bool>>;

} // namespace holdfast::msg
