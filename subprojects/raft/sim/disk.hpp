// One node's disk: what a process writes, when it becomes durable, and what is left of it after a crash.
//
// Writes queue up; one sync runs at a time and makes everything durable that was queued when it began (group
// commit, as the real log writer does it). A crash keeps everything durable and of the rest all, nothing, or
// the beginning: the log's records are chained, so a hole cuts off what follows it, and the record that tears
// is cut too. Term and vote are written (in a file of their own) before the entries of the same batch.
//
// Rot destroys a durable record. The record before it is then the last one, the checksum tells, and the node
// has to start as "recovering". The atlas (cluster.hpp) allows rot only where the cluster can repair it.
#pragma once

#include <raft/message.hpp>
#include <raft/output.hpp>

#include "sim/log_image.hpp"
#include "sim/options.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::raft::sim {

using snapshot_bytes = std::shared_ptr<const std::string>;

struct stored_snapshot {
  snapshot_meta meta;
  snapshot_bytes bytes;
  std::uint64_t chain = 0; ///< of the log's prefix that it stands for
};

struct partial_snapshot {
  snapshot_meta meta;
  std::string bytes;
};

/// What a process finds on disk when it starts.
struct image {
  hard_state state;
  log_image log;
  stored_snapshot snapshot;
  std::optional<partial_snapshot> partial;
  index_t commit; ///< as of the last write; zero: not known
};

/// One write. Its parts are applied in this order.
struct disk_write {
  std::uint64_t sequence = 0; ///< of the persist request; 0: none
  std::optional<hard_state> state;
  std::optional<index_t> truncate_from;
  std::vector<entry> entries;
  std::optional<stored_snapshot> install;  ///< received: takes the place of log and state
  std::optional<stored_snapshot> snapshot; ///< made here; the log is then cut up to `compact_to`
  index_t compact_to;
  std::vector<message> promises; ///< leave once this is durable
  index_t commit;                ///< what the writer knew to be committed, and the term of that entry
  term_t commit_term;
};

enum class crash_result : std::uint8_t { nothing_pending, kept_all, kept_part, lost_all };

class disk {
public:
  /// A fresh disk: the founding member's holds the first configuration, others are blank.
  void format(stored_snapshot first);
  /// The founding members' when the log itself begins with the first configuration.
  void format_with(const entry& first);

  /// The page cache sees the write at once; durable it becomes by sync_done().
  void submit(disk_write what);
  bool pending() const { return !queue_.empty(); }
  bool syncing() const { return syncing_ != 0; }
  void begin_sync() { syncing_ = queue_.size(); }
  /// The running sync succeeded: the next of its writes is durable now. To be called while syncing().
  disk_write next_durable();

  crash_result crash(random_source& random, const disk_options& options);
  /// Destroys the durable record at `index` (behind the snapshot) and with it all after; sets "recovering".
  void rot(index_t index);

  const image& durable() const { return durable_; }
  image& durable_at_rest() { return durable_; } ///< only while no process runs
  const log_image& written() const { return written_; }
  void store_partial(partial_snapshot what) { durable_.partial = std::move(what); }
  std::optional<partial_snapshot>& partial() { return durable_.partial; }

private:
  static void apply_log(log_image& log, const disk_write& what, std::size_t entries);
  void make_durable(const disk_write& what);

  image durable_;
  log_image written_;
  std::deque<disk_write> queue_;
  std::size_t syncing_ = 0;
};

} // namespace holdfast::raft::sim
