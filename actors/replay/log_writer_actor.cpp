#include "actors/replay/log_writer_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace holdfast::replay {

namespace {

using std::chrono::steady_clock;

constexpr auto no_time = bulk_pace::duration{};
constexpr auto hint_delay = std::chrono::milliseconds(200);

std::uint64_t bytes_of(const std::vector<raft::entry>& entries) {
  std::uint64_t bytes = 0;
  for (const auto& entry : entries)
    bytes += raft::payload_size(entry);
  return bytes;
}

} // namespace

log_writer_impl::log_writer_impl(caf::actor_config& cfg, runtime::card_ptr card, log_writer_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {}

log_writer_impl::behavior_type log_writer_impl::make_behavior() {
  using namespace msg;
  return {
      [this](attach_atom, const caf::strong_actor_ptr& consensus, const caf::strong_actor_ptr& replay) {
        consensus_ = caf::actor_cast<consensus_actor>(consensus);
        replay_ = caf::actor_cast<replay_group_actor>(replay);
        open();
      },
      [this](persist_atom, const persist_ptr& request) { take(request); },
      [this](commit_atom, std::uint64_t index, std::uint64_t term) {
        if (disk_)
          disk_->note_commit({{index}, {term}});
        if (!std::exchange(hint_pending_, true))
          delayed_send(this, hint_delay, hint_atom::value);
      },
      [this](readlog_atom, const raft::log_read& wanted) {
        if (!dead_)
          read_log(wanted);
      },
      [this](snapshot_atom, std::uint64_t index, const frame_ptr& encoded_config, const view_ptr& view) {
        if (!dead_)
          await_base(index, encoded_config, view);
      },
      [this](chunk_atom, const raft::snapshot_meta& meta, std::uint64_t offset, std::uint64_t length,
             const caf::strong_actor_ptr& peer) {
        if (!dead_)
          send_chunk(meta, offset, length, peer);
      },
      [this](chunk_atom, const snapshot_bytes_ptr& chunk) {
        if (!dead_)
          store_chunk(*chunk);
      },
      [this](install_atom, const raft::snapshot_meta& meta, bool keep) {
        if (!dead_)
          install(meta, keep);
      },
      [this](digests_atom, std::uint64_t index) {
        auto digest = disk_ ? disk_->digest(index) : log_digest{};
        digest.syncs = syncs_;
        digest.longest_sync_us = longest_sync_us_;
        return digest;
      },
      [this](flush_atom) { flush(); },
      [this](hint_atom) { save_hint(); },
      [this](reclaim_atom) { reclaim(); },
      [this](base_atom) {
        base_retry_pending_ = false;
        begin_next_base();
      },
      [this](job_atom, const finished_job& job) { base_written(*job); },
  };
}

void log_writer_impl::open() {
  auto result = log_disk::open(*config_.fs, config_.where, config_.first, config_.options, config_.limits);
  if (const auto* refused = std::get_if<disk_refusal>(&result);
      refused != nullptr && refused->others_can_help) {
    if (begin_anew(refused->what))
      result = log_disk::open(*config_.fs, config_.where, config_.first, config_.options, config_.limits);
  }
  if (const auto* refused = std::get_if<disk_refusal>(&result))
    return die(refused->code, refused->what, refused->advice);
  config_.first.from_others = false;
  auto& opened = std::get<log_disk::opened>(result);
  for (const auto& note : opened.notes) {
    spdlog::warn("{}", msg::log_line("log_recovered").with("note", note).str());
  }
  disk_ = std::move(opened.disk);
  // The state before the entries: replay must stand on its base when the first entry reaches it.
  send(replay_, msg::snapshot_atom::value, msg::state_image_ptr(opened.state), disk_->log().base().file_bytes,
       disk_->log().last_index().value);
  send(consensus_, msg::recovered_atom::value, opened.found);
  save_hint();
}

/// WAL-07: what is damaged is kept for people to look at, never served, and given back by the others.
bool log_writer_impl::begin_anew(const std::string& damage) {
  if (!config_.set_aside)
    return false;
  const auto aside = config_.set_aside();
  spdlog::critical("{}", msg::log_line("log_damaged")
                             .with("what", damage)
                             .with("set_aside", aside.done)
                             .with(aside.done ? "kept_in" : "reason", aside.text)
                             .str());
  config_.first.from_others = aside.done;
  return aside.done;
}

void log_writer_impl::take(const msg::persist_ptr& request) {
  waiting_.push_back(request);
  // Behind everything that is already in the mailbox: what queued up during the last sync goes into one
  // batch.
  if (!std::exchange(flush_pending_, true))
    send(this, flush_atom::value);
}

void log_writer_impl::flush() {
  flush_pending_ = false;
  if (dead_ || (waiting_.empty() && !full_since_))
    return;
  auto full = perform_waiting();
  if (!base_retry_pending_)
    begin_next_base(); // its cut may have been among them
  if (dead_)
    return;
  if (full.empty())
    full = short_of_space();
  if (!full.empty())
    return met_full_disk(full);
  if (!full_since_)
    return;
  full_since_.reset();
  spdlog::info("{}", msg::log_line("log_space").with("full", false).str());
  send(consensus_, msg::full_atom::value, false, std::string{});
}

// Everything that waits, and one sync for all of it. Answers what the allocator said when the disk is full.
std::string log_writer_impl::perform_waiting() {
  std::uint64_t performed = 0;
  std::uint64_t bytes = 0;
  std::string full;
  while (!waiting_.empty()) {
    const auto outcome = disk_->perform(*waiting_.front());
    if (!outcome && outcome.failure().kind == wal::error_kind::no_space) {
      full = outcome.failure().what;
      break;
    }
    if (!good(outcome, "writing the log"))
      return {};
    performed = waiting_.front()->sequence;
    bytes += bytes_of(waiting_.front()->entries);
    waiting_.pop_front();
  }
  if (performed == 0)
    return full;
  const auto began = steady_clock::now();
  if (!good(disk_->sync(), "syncing the log"))
    return {};
  ++syncs_;
  const auto ended = steady_clock::now();
  pace_->synced(clock().now(), ended - began, bytes);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(ended - began).count();
  longest_sync_us_ = std::max(longest_sync_us_, static_cast<std::uint64_t>(took));
  send(consensus_, msg::persisted_atom::value, performed);
  if (!std::exchange(hint_pending_, true))
    delayed_send(this, hint_delay, hint_atom::value);
  return full;
}

std::string log_writer_impl::short_of_space() const {
  if (!config_.free_bytes)
    return {};
  // Twice the floor to come back, so that the state does not flap at the edge.
  const auto wanted = full_since_ ? config_.free_floor * 2 : config_.free_floor;
  const auto there = config_.free_bytes();
  if (there >= wanted)
    return {};
  return "no space left for the log: " + std::to_string(there) + " bytes free, " + std::to_string(wanted) +
         " wanted";
}

void log_writer_impl::met_full_disk(const std::string& what) {
  const auto now = clock().now();
  if (!full_since_) {
    full_since_ = now;
    spdlog::error("{}", msg::log_line("log_space").with("full", true).with("reason", what).str());
    send(consensus_, msg::full_atom::value, true, what);
  }
  if (now - *full_since_ >= config_.full_limit) {
    return die(msg::exit_code::disk_full, what,
               "make room on the file system of the base root and start again; "
               "nothing acknowledged is lost");
  }
  flush_pending_ = true;
  delayed_send(this, config_.full_retry, flush_atom::value);
}

// For this node's own applier at once; for a member that is behind when its turn comes, so that who writes
// now does not wait longer for it.
void log_writer_impl::read_log(const raft::log_read& wanted) {
  const bool bulk = !wanted.for_peer.is_nil();
  if (const auto rest = bulk ? pace_->wait(clock().now()) : bulk_pace::duration{}; rest > no_time)
    return delayed_send(this, rest, msg::readlog_atom::value, wanted);
  auto entries = disk_->read(wanted);
  if (!entries) {
    return die(msg::exit_code::state_damaged, entries.failure().what,
               "a restart judges the damage; see holdfast wal check");
  }
  if (bulk)
    pace_->moved(clock().now(), bytes_of(*entries));
  send(consensus_, msg::entries_atom::value,
       std::make_shared<const raft::ev::log_entries>(
           raft::ev::log_entries{wanted.for_peer, wanted.first, std::move(*entries)}));
}

void log_writer_impl::save_hint() {
  hint_pending_ = false;
  if (!dead_)
    (void)good(disk_->save_hint(), "saving the synced index");
}

// An orderly end leaves the hint where the log ends, so that the next start can tell every kind of damage.
void log_writer_impl::abandon() {
  *ended_ = true;
  awaited_.clear(); // a job that still runs keeps this actor, and must not keep old states with it
  if (disk_)
    save_hint();
  consensus_ = nullptr; // the three hold one another: dead actors must let go or are never freed
  replay_ = nullptr;
}

bool log_writer_impl::good(const wal::status& status, const char* doing) {
  if (status)
    return true;
  die(msg::exit_code::log_io, std::string(doing) + ": " + status.failure().what,
      "check the disk and the kernel log, then start again; what was acknowledged is on disk");
  return false;
}

void log_writer_impl::die(msg::exit_code code, std::string what, std::string advice) {
  dead_ = true;
  waiting_.clear();
  config_.fatal({code, std::move(what), std::move(advice)});
}

} // namespace holdfast::replay
