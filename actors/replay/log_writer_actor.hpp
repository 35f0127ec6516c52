// log_writer: the one thread that touches the log and the node's metadata (architecture §2). Runs detached.
//
// Group commit by natural batching: while one fdatasync runs, requests queue up; the next round performs them
// all and syncs once. An error of a write or sync ends the process through the fatal handler: nothing is
// answered and nothing is tried again. A full disk is met by the allocator before anything is written: the
// request waits, consensus is told and stops accepting, and when no room appears within `full_limit` the
// process ends.
//
// Bases are written by a worker, one at a time and in the order of their cuts. One that meets a full disk is
// tried again until it stands or a received snapshot makes it needless.
#pragma once

#include "actors/replay/bulk_pace.hpp"
#include "actors/replay/log_disk.hpp"
#include "actors/replay/snapshot_job.hpp"
#include "runtime/counting_actor.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::replay {

struct log_writer_config {
  wal::file_system* fs = nullptr; ///< borrowed
  disk_layout where;
  first_identity first;
  wal::log_options options;
  raft::limits limits;
  msg::fatal_handler fatal;
  /// Free bytes of the file system the log is on; empty: not looked at. Below the floor nothing new is
  /// accepted, so that a write is refused as surely not done and none is caught in the middle.
  std::function<std::uint64_t()> free_bytes;
  std::uint64_t free_floor = std::uint64_t{16} << 20;
  std::chrono::milliseconds full_limit{10'000};
  std::chrono::milliseconds full_retry{200};
  /// Puts a damaged `wal/` out of the way and leaves an empty one, if other members can give its content
  /// back; empty: not possible here. Answers with where it went, or with why it stays (`done` false).
  struct aside {
    bool done = false;
    std::string text;
  };
  std::function<aside()> set_aside;
  /// How long a base that met a full disk waits until it is tried again.
  std::chrono::milliseconds base_retry{5'000};
  /// Has a base written: run(job), later done(), from any thread. Empty: on a thread of its own. Tests stay
  /// on theirs.
  std::function<void(snapshot_job& job, const std::function<void()>& done)> run_job;
};

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using hint_atom = caf::atom_constant<caf::atom("hint")>;
using reclaim_atom = caf::atom_constant<caf::atom("reclaim")>;
using base_atom = caf::atom_constant<caf::atom("base")>;
using job_atom = caf::atom_constant<caf::atom("job")>;
using finished_job = std::shared_ptr<snapshot_job>;

} // namespace holdfast::replay

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::replay::finished_job)

namespace holdfast::replay {

/// The public interface and what the actor says to itself.
using log_writer_self = msg::log_writer_actor::extend<caf::reacts_to<flush_atom>, caf::reacts_to<hint_atom>,
                                                      caf::reacts_to<reclaim_atom>, caf::reacts_to<base_atom>,
                                                      caf::reacts_to<job_atom, finished_job>>;

class log_writer_impl final : public runtime::counting_actor<log_writer_self::base> {
public:
  log_writer_impl(caf::actor_config& cfg, runtime::card_ptr card, log_writer_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  /// A cut whose base is not on disk yet.
  struct awaited_base {
    std::uint64_t index = 0;
    msg::frame_ptr encoded_config;
    /// Pins what has changed or gone since: with a disk that stays full, memory grows by what the cuts in the
    /// queue do not share. Accepted: there is no other copy of the state at that index, and no further cut is
    /// proposed while the leader itself waits for a base.
    snapshot_ptr state;
    std::uint64_t room_wanted = 0; ///< free bytes without which it is not tried again
    bool failure_told = false;
  };

  void open();
  bool begin_anew(const std::string& damage);
  void take(const msg::persist_ptr& request);
  void flush();
  [[nodiscard]] std::string perform_waiting();
  [[nodiscard]] std::string short_of_space() const;
  void met_full_disk(const std::string& what);
  void await_base(std::uint64_t index, const msg::frame_ptr& encoded_config, const msg::view_ptr& view);
  void begin_next_base();
  void try_base_later();
  void base_met_full_disk(const std::string& what);
  void throw_away(std::unique_ptr<wal::base_writer> writer);
  void base_written(snapshot_job& job);
  void reclaim();
  void read_log(const raft::log_read& wanted);
  void send_chunk(const raft::snapshot_meta& meta, std::uint64_t offset, std::uint64_t length,
                  const caf::strong_actor_ptr& peer);
  void store_chunk(const msg::snapshot_bytes& chunk);
  void install(const raft::snapshot_meta& meta, bool keep);
  void save_hint();
  [[nodiscard]] bool good(const wal::status& status, const char* doing);
  void die(msg::exit_code code, std::string what, std::string advice);

  log_writer_config config_;
  std::unique_ptr<log_disk> disk_;
  std::shared_ptr<bulk_pace> pace_ = std::make_shared<bulk_pace>();
  std::shared_ptr<std::atomic<bool>> ended_ = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<wal::base_receiver> receiver_;
  std::optional<raft::snapshot_meta> announced_; ///< what the core wants to receive; the rest is dropped
  msg::consensus_actor consensus_;
  msg::replay_group_actor replay_;

  std::deque<awaited_base> awaited_; ///< the front one is being written, or waits for entries or for room
  bool base_running_ = false;        ///< a job is out; after an install not the front one's any more
  bool base_retry_pending_ = false;
  std::deque<msg::persist_ptr> waiting_;
  bool flush_pending_ = false;
  bool hint_pending_ = false;
  std::optional<std::chrono::steady_clock::time_point> full_since_;
  std::uint64_t syncs_ = 0;
  std::uint64_t longest_sync_us_ = 0;
  bool dead_ = false; ///< the fatal handler was called: do nothing any more
};

} // namespace holdfast::replay
