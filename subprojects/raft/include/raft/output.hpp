// What the host must do, in the order of the fields. Several events may be stepped into one output before it
// is performed (group commit): everything is appended or merged so that the order stays right.
#pragma once

#include <raft/message.hpp>

namespace holdfast::raft {

/// One write to stable storage, applied in the order of the fields, one sync at the end. A request that holds
/// nothing but a sequence is a barrier: it needs no sync, but its answer waits its turn.
struct persist_request {
  std::uint64_t sequence = 0; ///< report ev::persisted with this; 0: nothing to persist
  std::optional<hard_state> state;
  std::optional<index_t> truncate_from; ///< drop this index and all after it
  std::vector<entry> entries;           ///< then append these
  [[nodiscard]] bool empty() const { return sequence == 0; }
};

enum class outcome_status : std::uint8_t {
  committed,  ///< durable on a quorum, at `index`
  surely_not, ///< will never take effect; proposing it again is safe
  unknown,    ///< may or may not take effect
  overloaded, ///< nothing was appended; wait and retry
};

struct proposal_outcome {
  context_id context = 0;
  outcome_status status = outcome_status::unknown;
  index_t index;
  const char* reason = "";                  ///< for people; static storage
  change_error change = change_error::none; ///< for membership changes
};

/// ok: serve the read once everything up to `index` is applied. Otherwise no answer may be given; asking
/// again is safe.
struct read_outcome {
  context_id context = 0;
  bool ok = false;
  index_t index;
  const char* reason = "";
};

enum class role : std::uint8_t { follower, pre_candidate, candidate, leader, learner, recovering, removed };
[[nodiscard]] const char* to_string(role r);

struct role_change {
  role now = role::follower;
  term_t term;
  node_id leader; ///< nil: none known
  const char* reason = "";
};

/// The quorum lease as it stands: valid while now < until. No value of `until`: no lease.
struct lease_info {
  std::optional<instant> until;
  term_t term; ///< the holder's epoch
};

/// Read `first..last` (at most max_bytes, at least one entry) from the log and answer with ev::log_entries.
/// All of them are durable: a read need not wait for any `persist`, of this output or an earlier one.
struct log_read {
  node_id for_peer;
  index_t first;
  index_t last;
  byte_count max_bytes;
};

/// Send these bytes of a snapshot to `to` over the bulk connection. The receiver's host stores them and steps
/// ev::snapshot_stored there; the core learns of it by message. A repeated request is a retry.
struct snapshot_chunk {
  node_id to;
  snapshot_id id;
  index_t index;
  byte_count offset;
  byte_count length;
};

struct config_change {
  config members;
  index_t index;
  bool committed = false;
};

struct output {
  std::vector<message> send_now;           ///< does not wait for the disk
  persist_request persist;                 ///< may run while the above are on their way
  std::vector<message> send_after_persist; ///< promises: only once `persist` is durable
  std::optional<index_t> commit;           ///< new commit index
  std::vector<entry> apply;                ///< committed entries in log order, each exactly once
  std::vector<read_outcome> reads;
  std::vector<proposal_outcome> outcomes;
  std::vector<role_change> roles; ///< role, leader or term changed; the last one stands
  std::optional<lease_info> lease;
  std::vector<config_change> configs; ///< took effect (on append) or became committed; or reverted
  std::vector<log_read> read_log;
  std::vector<snapshot_chunk> send_chunks;
  std::optional<snapshot_meta> receive_snapshot; ///< prepare to receive; answer with ev::snapshot_stored
  std::optional<snapshot_meta>
      install_snapshot; ///< complete: verify, install, answer with ev::snapshot_installed
  bool removed = false; ///< this node was removed from the cluster for good (REM-07)
  std::string fatal;    ///< not empty: stop the process; nothing of this output may be performed

  /// Ready for the next round; keeps its memory.
  void clear();
};

} // namespace holdfast::raft
