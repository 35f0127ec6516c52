// The half of log_writer that deals with bases: written at a cut, sent to a member, received from one.
#include "actors/replay/log_writer_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace holdfast::replay {

namespace {

constexpr auto no_time = bulk_pace::duration{};
constexpr auto reclaim_pause = std::chrono::milliseconds(20);

bool same_transfer(const raft::snapshot_meta& one, const raft::snapshot_meta& other) {
  return one.id == other.id && one.index == other.index && one.size == other.size;
}

} // namespace

void log_writer_impl::await_base(std::uint64_t index, const msg::frame_ptr& encoded_config,
                                 const msg::view_ptr& view) {
  if (auto state = std::dynamic_pointer_cast<const state_snapshot>(view))
    awaited_.push_back({index, encoded_config, std::move(state)});
  begin_next_base();
}

// One at a time and in the order of the cuts: that is how they can be put in place. A small base must not
// overtake a large one, and one that waits for room holds up those behind it.
void log_writer_impl::begin_next_base() {
  // A member that catches up applies what the leader says is committed, also what still waits for this disk:
  // then there is no cut yet. flush() comes back here.
  if (dead_ || base_running_ || !waiting_.empty())
    return;
  std::optional<wal::cut_point> cut;
  while (!awaited_.empty() && !cut) {
    cut = disk_->open_cut({awaited_.front().index});
    if (!cut)
      awaited_.pop_front(); // a replay over a cut whose base is there already
  }
  if (!cut)
    return;
  const auto& next = awaited_.front();
  if (config_.free_bytes && config_.free_bytes() < next.room_wanted)
    return try_base_later();
  auto writer = disk_->log().begin_base(cut->gen);
  if (!writer && writer.failure().kind == wal::error_kind::no_space)
    return base_met_full_disk(writer.failure().what);
  if (!writer)
    return die(msg::exit_code::log_io, writer.failure().what, "check the disk");
  auto job = std::make_shared<snapshot_job>();
  job->writer = std::move(*writer);
  job->state = next.state;
  job->encoded_config = *next.encoded_config;
  job->pace = pace_;
  job->called_off = ended_;
  base_running_ = true;
  const auto self = caf::actor_cast<log_writer_self>(caf::strong_actor_ptr{ctrl()});
  const auto ended = [job, self] { caf::anon_send(self, job_atom::value, job); };
  if (config_.run_job)
    return config_.run_job(*job, ended);
  spawn<caf::detached + caf::hidden>([job, ended](caf::event_based_actor*) {
    run(*job);
    ended();
  });
}

void log_writer_impl::try_base_later() {
  if (!std::exchange(base_retry_pending_, true))
    delayed_send(this, config_.base_retry, base_atom::value);
}

// A snapshot is no promise to anybody: without room for it the log just stays longer. But it must come in the
// end: the later ones stand behind it, and replay proposes no further cut before.
void log_writer_impl::base_met_full_disk(const std::string& what) {
  auto& next = awaited_.front();
  if (!std::exchange(next.failure_told, true)) {
    spdlog::error("{}", msg::log_line("snapshot_failed")
                            .with("index", next.index)
                            .with("reason", what)
                            .with("advice", "make room on the file system of the base root; it is then tried "
                                            "again without a restart")
                            .str());
  }
  try_base_later();
}

// At once, not in steps like reclaim(): on a full disk the log needs the room.
void log_writer_impl::throw_away(std::unique_ptr<wal::base_writer> writer) {
  const auto path = writer->path();
  writer.reset(); // the room comes back with the last handle
  const auto gone = config_.fs->unlink(path);
  if (gone || gone.failure().kind == wal::error_kind::not_found)
    return;
  spdlog::warn("{}", msg::log_line("snapshot_left_over")
                         .with("file", path)
                         .with("reason", gone.failure().what)
                         .with("advice", "remove the file if the disk is full; the next start does it too")
                         .str());
}

void log_writer_impl::base_written(snapshot_job& job) {
  if (dead_)
    return;
  base_running_ = false;
  const auto info = job.writer->info();
  // A failed sync is another matter than a full disk: what that disk still holds is unknown.
  if (!job.outcome && job.outcome.failure().kind != wal::error_kind::no_space) {
    return die(msg::exit_code::log_io, job.outcome.failure().what,
               "check the disk and the kernel log, then start again");
  }
  const auto cut = disk_->open_cut({info.index.value});
  if (!cut || cut->gen != info.gen) { // a received snapshot took the place of the log it belongs to
    throw_away(std::move(job.writer));
    return begin_next_base();
  }
  if (!job.outcome) {
    throw_away(std::move(job.writer));
    // More than it could not do with, or every attempt would fill the disk up to the brim for nothing.
    awaited_.front().room_wanted = info.payload_bytes + config_.free_floor;
    return base_met_full_disk(job.outcome.failure().what);
  }
  if (!good(disk_->log().commit_base(std::move(job.writer)), "putting a snapshot in place"))
    return;
  awaited_.pop_front();
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
  begin_next_base();
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

// Without bytes it is consensus that says what the core wants to receive. What comes late of a transfer that
// was given up must not take the place of the one that runs: only one partial file is kept.
void log_writer_impl::store_chunk(const msg::snapshot_bytes& chunk) {
  if (chunk.bytes.empty())
    announced_ = chunk.meta;
  if (!announced_ || !same_transfer(*announced_, chunk.meta))
    return;
  const wal::generation generation{chunk.meta.id.value};
  if (!receiver_ || receiver_->gen() != generation || receiver_->file_bytes() != chunk.meta.size.value) {
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
  const auto refuse = [&](const std::string& why) {
    spdlog::warn("{}", msg::log_line("snapshot_refused").with("reason", why).str());
    send(consensus_, msg::install_atom::value, meta.id.value, false);
  };
  // Without an answer the core would wait for ever and take neither entries nor another snapshot.
  if (!receiver_ || receiver_->gen().value != meta.id.value) {
    return refuse("snapshot " + std::to_string(meta.id.value) +
                  " is not what was received here; the leader sends it again");
  }
  announced_.reset(); // what still comes of it is late
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
      awaited_.clear(); // their cuts are inside it
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
    if (checked.failure().kind == wal::error_kind::io) // nobody knows what that disk holds: no second try
      return die(msg::exit_code::log_io, checked.failure().what,
                 "check the disk and the kernel log, then start again");
    refuse(checked.failure().what);
  }
  (void)good(disk_->log().abandon_install(std::move(receiver_)), "throwing a received snapshot away");
  receiver_.reset();
}

} // namespace holdfast::replay
