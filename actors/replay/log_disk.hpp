// Everything the node keeps of consensus on its disk, as one object: the log (`wal/`) and the node's own
// facts
// (`raft/`: identity, term, vote, synced hint). Turns what the raft core asks into calls of subprojects/wal,
// in the order that survives a crash between any two of them. No thread, no clock, no actor: the log's writer
// owns one.
//
// The host bytes of wal::meta, as this room uses them: one byte, bit 0 founder (this node began its cluster
// with a one-member configuration, which is entry 1), bit 1 recovering (raft::hard_state); then, if 17 bytes
// are there, two little-endian u64: index and term of an entry that is committed. What the log holds up to an
// entry of that index and term is committed too (log matching, thesis §3.5), so the next start may apply it.
#pragma once

#include "actors/replay/base_payload.hpp"
#include "messages/consensus.hpp"
#include "messages/fatal.hpp"

#include <wal/log.hpp>
#include <wal/meta_pair.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::replay {

struct disk_layout {
  std::string wal;
  std::string raft;
};

/// Who this node is, used when the disk does not know yet.
struct first_identity {
  raft::node_id self;
  raft::cluster_id cluster;
  bool founder = true; ///< false: wait to be told a configuration (a node that will join)
  /// The log was set aside: come back as a recovering member (raft::hard_state), which neither votes nor
  /// counts until it holds again what the others hold.
  bool from_others = false;
};

/// Why the disk was not opened.
struct disk_refusal : msg::fatal_report {
  bool others_can_help = false; ///< the damage is in what other members of a cluster hold too (WAL-07)
};

/// What the last start on these directories was; main asks before the settings are read.
struct stored_identity {
  std::string node_id; ///< empty: nothing stored yet
  std::string error;   ///< not empty: the metadata is there but damaged
};
[[nodiscard]] stored_identity read_identity(wal::file_system& fs, const std::string& raft_directory);

class log_disk {
public:
  struct opened {
    std::unique_ptr<log_disk> disk;
    msg::recovered_ptr found;
    std::shared_ptr<loaded_state> state; ///< of the newest base; null: empty
    std::vector<std::string> notes;      ///< what recovery did, for the log
  };
  /// Reads the disk, or makes it on the first start. Blocking, at disk speed. A report means: do not start.
  [[nodiscard]] static std::variant<opened, disk_refusal> open(wal::file_system& fs, const disk_layout& where,
                                                               const first_identity& first,
                                                               const wal::log_options& options,
                                                               const raft::limits& lim);

  /// Does what a request asks, in its order, without the final sync. `no_space` leaves everything before as
  /// it was done; calling again with the same request later goes on where it stopped. Any other error is
  /// final.
  [[nodiscard]] wal::status perform(const raft::persist_request& request);
  /// One fdatasync for everything performed since the last one. An error is final.
  [[nodiscard]] wal::status sync();
  /// The newest entry that is known to be committed; durable with the next save_hint().
  void note_commit(const wal::synced_hint& commit) { commit_ = commit; }
  /// Makes the synced hint, and what is committed, durable if they lag. An error is final.
  [[nodiscard]] wal::status save_hint();

  /// Entries for the core, within its bounds. Empty when they are not there any more.
  [[nodiscard]] wal::result<std::vector<raft::entry>> read(const raft::log_read& wanted);
  /// The base a newcomer is sent: the oldest one whose log is here too, so that its files become equal to
  /// ours (WAL-03). Nothing while that is base.0, for then the whole log is here.
  [[nodiscard]] std::optional<raft::ev::snapshot_available> snapshot_to_send() const;

  /// The cut at this index that has no base yet, if there is one.
  [[nodiscard]] std::optional<wal::cut_point> open_cut(raft::index_t index) const;
  [[nodiscard]] msg::log_digest digest(std::uint64_t index);

  [[nodiscard]] wal::log& log() { return *log_; }

private:
  log_disk(wal::file_system& fs, const disk_layout& where) : meta_pair_(fs, where.raft) {}

  std::optional<disk_refusal> load_meta(const first_identity& first, const disk_layout& where);
  std::optional<disk_refusal> open_log(wal::file_system& fs, const disk_layout& where,
                                       const wal::log_options& options, opened& out);
  std::optional<disk_refusal> found_cluster();
  std::optional<disk_refusal> load_base(const raft::limits& lim, opened& out, msg::recovered_log& found);
  std::optional<disk_refusal> read_log(const raft::limits& lim, msg::recovered_log& found,
                                       raft::config& members);
  [[nodiscard]] wal::status scan_from(wal::generation gen, const raft::limits& lim, msg::recovered_log& found,
                                      raft::config& members);
  std::optional<disk_refusal> judge_damage(const wal::recovery_report& report, const raft::config& members);
  [[nodiscard]] wal::status save_meta(wal::meta changed);
  [[nodiscard]] bool holds(const wal::synced_hint& entry) const;
  [[nodiscard]] wal::status append(const std::vector<raft::entry>& entries);

  wal::meta_pair meta_pair_;
  wal::meta meta_;
  bool meta_suspect_ = false;
  wal::recovery_report report_;
  std::unique_ptr<wal::log> log_;
  wal::synced_hint commit_;
  std::uint64_t resumed_sequence_ = 0; ///< request whose state and truncation are done already
};

} // namespace holdfast::replay
