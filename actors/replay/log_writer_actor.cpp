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
constexpr auto reclaim_pause = std::chrono::milliseconds(20);

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
          write_base(index, encoded_config, view);
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

void log_writer_impl::write_base(std::uint64_t index, const msg::frame_ptr& encoded_config,
                                 const msg::view_ptr& view) {
  // A member that catches up applies what the leader says is committed, also what still waits for this disk:
  // then there is no cut yet.
  if (!waiting_.empty()) {
    const auto pause = full_since_ ? config_.full_retry : std::chrono::milliseconds(0);
    return delayed_send(this, pause, msg::snapshot_atom::value, index, encoded_config, view);
  }
  const auto cut = disk_->open_cut({index});
  auto state = std::dynamic_pointer_cast<const state_snapshot>(view);
  if (!cut || !state)
    return; // a replay over a cut whose base is there already
  auto writer = disk_->log().begin_base(cut->gen);
  if (!writer && writer.failure().kind == wal::error_kind::no_space)
    return met_full_disk(writer.failure().what);
  if (!writer)
    return die(msg::exit_code::log_io, writer.failure().what, "check the disk");
  auto job = std::make_shared<snapshot_job>();
  job->writer = std::move(*writer);
  job->state = std::move(state);
  job->encoded_config = *encoded_config;
  if (config_.snapshots_in_place) {
    run(*job);
    return base_written(*job);
  }
  job->pace = pace_;
  job->called_off = ended_;
  const auto self = caf::actor_cast<log_writer_self>(caf::strong_actor_ptr{ctrl()});
  spawn<caf::detached + caf::hidden>([job, self](caf::event_based_actor* worker) {
    run(*job);
    worker->send(self, job_atom::value, job);
  });
}

void log_writer_impl::base_written(snapshot_job& job) {
  if (dead_)
    return;
  const auto info = job.writer->info();
  if (!job.outcome) {
    const auto& failure = job.outcome.failure();
    // A snapshot is no promise to anybody: without room for it the log just stays longer. A failed sync is
    // another matter: what that disk still holds is unknown.
    if (failure.kind == wal::error_kind::no_space) {
      spdlog::error("{}", msg::log_line("snapshot_failed").with("reason", failure.what).str());
      return;
    }
    return die(msg::exit_code::log_io, failure.what, "check the disk and the kernel log, then start again");
  }
  if (!good(disk_->log().commit_base(std::move(job.writer)), "putting a snapshot in place"))
    return;
  if (!good(disk_->log().drop_old_generations(), "dropping old generations"))
    return;
  const auto& base = disk_->log().base();
  spdlog::info("{}", msg::log_line("snapshot_written")
                         .with("generation", base.gen.value)
                         .with("index", info.index.value)
                         .with("bytes", base.file_bytes)
                         .str());
  send(replay_, msg::snapshot_atom::value, base.index.value, base.file_bytes);
  if (auto snapshot = disk_->snapshot_to_send())
    send(consensus_, msg::snapshot_atom::value, *snapshot);
  reclaim();
}

// In small steps with pauses: unlinking a large file at once holds up the next sync for tens of milliseconds.
void log_writer_impl::reclaim() {
  if (dead_)
    return;
  const auto more = disk_->log().reclaim_step();
  if (!more)
    return die(msg::exit_code::log_io, more.failure().what, "check the disk");
  if (*more)
    delayed_send(this, reclaim_pause, reclaim_atom::value);
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

void log_writer_impl::send_chunk(const raft::snapshot_meta& meta, std::uint64_t offset, std::uint64_t length,
                                 const caf::strong_actor_ptr& peer) {
  if (const auto rest = pace_->wait(clock().now()); rest > no_time)
    return delayed_send(this, rest, msg::chunk_atom::value, meta, offset, length, peer);
  auto reader = disk_->log().open_base({meta.id.value});
  if (!reader)
    return; // dropped meanwhile: the core offers the newer one
  auto bytes = reader->read_raw(offset, length);
  if (!bytes) {
    spdlog::error("{}", msg::log_line("snapshot_unreadable").with("reason", bytes.failure().what).str());
    return;
  }
  auto chunk = std::make_shared<msg::snapshot_bytes>();
  pace_->moved(clock().now(), bytes->size());
  chunk->meta = meta;
  chunk->offset = offset;
  chunk->bytes.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  send(caf::actor_cast<msg::peer_actor>(peer), msg::chunk_atom::value, msg::snapshot_bytes_ptr(chunk));
}

void log_writer_impl::store_chunk(const msg::snapshot_bytes& chunk) {
  const wal::generation generation{chunk.meta.id.value};
  if (!receiver_ || receiver_->gen() != generation) {
    auto receiver = disk_->log().begin_install(generation, chunk.meta.size.value);
    if (!receiver) {
      if (receiver.failure().kind == wal::error_kind::no_space)
        return met_full_disk(receiver.failure().what);
      return die(msg::exit_code::log_io, receiver.failure().what, "check the disk");
    }
    receiver_ = std::move(*receiver);
    spdlog::info("{}", msg::log_line("snapshot_receiving")
                           .with("generation", generation.value)
                           .with("bytes", chunk.meta.size.value)
                           .with("stored", receiver_->offset())
                           .str());
  }
  if (!chunk.bytes.empty() && chunk.offset == receiver_->offset()) {
    const auto stored = receiver_->write(chunk.offset, std::as_bytes(std::span{chunk.bytes}));
    if (!stored && stored.failure().kind == wal::error_kind::no_space) {
      return met_full_disk(stored.failure().what);
    }
    if (!good(stored, "storing a received snapshot"))
      return;
  }
  send(consensus_, msg::chunk_atom::value, chunk.meta.id.value, receiver_->offset());
}

void log_writer_impl::install(const raft::snapshot_meta& meta, bool keep) {
  if (!receiver_ || receiver_->gen().value != meta.id.value)
    return;
  const auto refuse = [&](const std::string& why) {
    spdlog::warn("{}", msg::log_line("snapshot_refused").with("reason", why).str());
    send(consensus_, msg::install_atom::value, meta.id.value, false);
  };
  if (keep) {
    auto checked = receiver_->finish();
    if (checked) {
      auto committed = disk_->log().commit_install(std::move(receiver_));
      receiver_.reset();
      if (!good(committed, "putting a received snapshot in place"))
        return;
      auto reader = disk_->log().open_base({meta.id.value});
      if (!reader)
        return die(msg::exit_code::log_io, reader.failure().what, "check the disk");
      auto content = read_base(*reader, config_.limits);
      if (const auto* error = std::get_if<std::string>(&content)) {
        return die(msg::exit_code::state_damaged, *error,
                   "the snapshot was checked and still cannot be read");
      }
      send(replay_, msg::snapshot_atom::value, msg::state_image_ptr(std::get<base_content>(content).state),
           disk_->log().base().file_bytes, disk_->log().last_index().value);
      send(consensus_, msg::install_atom::value, meta.id.value, true);
      reclaim(); // what the snapshot took the place of
      return;
    }
    refuse(checked.failure().what);
  }
  (void)good(disk_->log().abandon_install(std::move(receiver_)), "throwing a received snapshot away");
  receiver_.reset();
}

void log_writer_impl::save_hint() {
  hint_pending_ = false;
  if (!dead_)
    (void)good(disk_->save_hint(), "saving the synced index");
}

// An orderly end leaves the hint where the log ends, so that the next start can tell every kind of damage.
void log_writer_impl::abandon() {
  *ended_ = true;
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
