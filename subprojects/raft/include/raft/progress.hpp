// What a leader knows about one peer's log, and how fast it may send. Three states: `probe` finds where the
// logs agree, one message at a time; `replicate` streams ahead of the answers within a count and a byte
// limit; `snapshot` waits until the peer holds a snapshot, because the entries it needs are gone.
#pragma once

#include <raft/message.hpp>

namespace holdfast::raft {

/// Appends sent and not yet answered, oldest first; a ring of fixed size.
class inflight_window {
public:
  void reset(std::uint32_t max_messages);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool full(byte_count max_bytes) const {
    return count_ == ring_.size() || bytes_ >= max_bytes;
  }
  void add(index_t last, byte_count bytes);
  /// The newest message was made longer before it left.
  void extend_newest(index_t last, byte_count more);
  void answered(index_t match);
  [[nodiscard]] byte_count newest_bytes() const;
  void clear();

private:
  struct record {
    index_t last;
    byte_count bytes;
  };
  std::vector<record> ring_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
  byte_count bytes_;
};

enum class progress_state : std::uint8_t { probe, replicate, snapshot };
[[nodiscard]] const char* to_string(progress_state s);

struct snapshot_progress {
  snapshot_meta meta;
  byte_count stored;          ///< as last reported by the peer
  bool chunk_pending = false; ///< asked the host to send from `stored`, no answer yet
  instant last_activity;
};

struct progress {
  node_id id;
  progress_state state = progress_state::probe;
  index_t match;       ///< durable at the peer, as far as known
  index_t next;        ///< the next entry to send
  index_t told_commit; ///< the commit index it was last told
  bool recovering = false;
  std::uint64_t recovery_mark = 0; ///< as last heard; goes back with the next heartbeat
  bool probe_pending = false;      ///< probe: a message is out
  bool disk_read_pending = false;
  instant last_sent;  ///< append
  instant last_ack;   ///< append answer that moved something
  instant last_heard; ///< anything
  // Catch-up in rounds (dissertation §4.2.1): one ends when the peer holds what the leader's log held at its
  // beginning. Entries alone do not tell how far behind a peer is; a few may be many megabytes.
  index_t round_end;
  instant round_began;
  bool round_was_short = false; ///< the last one took less than an election timeout
  std::uint64_t answered_round = 0;
  inflight_window inflight;
  std::optional<snapshot_progress> snapshot;

  void become_probe();
  void become_replicate();
};

} // namespace holdfast::raft
