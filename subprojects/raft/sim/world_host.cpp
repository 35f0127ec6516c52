// The host of the cores: performs their outputs in the order of the fields.
#include "sim/invariants/lease_clearance.hpp"
#include "sim/world.hpp"

#include <raft/codec.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

void world::step(std::size_t slot, event_body what) {
  auto& on = nodes[slot];
  on.out.clear();
  on.brain->step(event{on.local(now_), std::move(what)}, on.out);
  perform(slot);
}

void world::local_event(std::size_t slot, microseconds delay, event_body what) {
  queue_.push(now_ + delay, {slot, nodes[slot].life, arrival{slot, std::move(what), nodes[slot].life}});
}

void world::perform(std::size_t slot) {
  auto& on = nodes[slot];
  auto& out = on.out;
  if (!out.fatal.empty())
    throw violation{"the core stopped", out.fatal};
  for (auto& one : out.send_now)
    send(slot, std::move(one));
  write_to_disk(slot);
  if (out.commit)
    trace.note("commit", static_cast<int>(slot), -1, out.commit->value);
  check.stepped(on);
  for (auto& one : out.apply)
    on.to_apply.push_back(std::move(one));
  begin_apply(slot);
  for (const auto& one : out.reads) {
    if (one.ok)
      on.waits.push_back({one.context, one.index, false});
    else
      listener_->read_failed(slot, one.context);
  }
  for (const auto& one : out.outcomes)
    listener_->outcome(slot, one);
  wake_waiting(slot);
  note_roles(slot);
  follow_lease(slot);
  for (const auto& one : out.read_log)
    answer_log_read(slot, one);
  for (const auto& one : out.send_chunks)
    send_chunk(slot, one);
  if (out.receive_snapshot)
    prepare_receive(slot, *out.receive_snapshot);
  if (out.install_snapshot)
    install(slot, *out.install_snapshot);
  if (on.last_config_index != on.brain->members_index() || !out.configs.empty()) {
    on.last_config = on.brain->members();
    on.last_config_index = on.brain->members_index();
  }
  if (out.removed) {
    marks.hit(mark::removed_told);
    stop_for_good(slot);
    return;
  }
  plan_wake(on);
}

void world::write_to_disk(std::size_t slot) {
  auto& out = nodes[slot].out;
  if (out.persist.empty()) {
    for (auto& one : out.send_after_persist)
      send(slot, std::move(one));
    return;
  }
  disk_write write;
  write.sequence = out.persist.sequence;
  write.state = out.persist.state;
  write.truncate_from = out.persist.truncate_from;
  write.entries = std::move(out.persist.entries);
  write.promises = std::move(out.send_after_persist);
  write.commit = nodes[slot].brain->status().commit;
  write.commit_term = nodes[slot].brain->log().term_at(write.commit).value_or(term_t{});
  submit(slot, std::move(write));
}

void world::submit(std::size_t slot, disk_write what) {
  auto& on = nodes[slot];
  trace.note("write", static_cast<int>(slot), -1, what.sequence, what.entries.size(),
             what.state ? what.state->term.value : 0);
  on.store.submit(what);
  check.wrote(on, what);
  if (!on.store.syncing())
    begin_sync(slot);
}

void world::begin_sync(std::size_t slot) {
  auto& on = nodes[slot];
  on.store.begin_sync();
  const auto done = now_ + random_.between(options_.disk.sync_low, options_.disk.sync_high);
  queue_.push(std::max(done, on.stalled_until), {slot, on.life, disk_synced{}});
}

void world::finish_sync(std::size_t slot) {
  auto& on = nodes[slot];
  if (random_.per_million(options_.disk.error_per_million)) {
    marks.hit(mark::disk_error_exit);
    crash(slot, true, random_.between(100ms, 2000ms));
    return;
  }
  const auto life = on.life;
  const bool was_recovering = on.store.durable().state.recovering;
  // A later write of the same sync may have cut off what an earlier one acknowledges: the acknowledgement is
  // then like one that is late on its way, and true of the moment in between.
  std::vector<disk_write> done;
  while (on.store.syncing()) {
    done.push_back(on.store.next_durable());
    for (auto& promise : done.back().promises)
      send(slot, std::move(promise));
  }
  if (was_recovering && !on.store.durable().state.recovering) {
    on.before_rot.reset();
    marks.hit(mark::recovering_healed);
  }
  if (on.store.pending())
    begin_sync(slot);
  trace.note("synced", static_cast<int>(slot), -1, done.back().sequence, on.store.durable().log.last().value);
  std::uint64_t sequence = 0;
  for (const auto& one : done)
    sequence = std::max(sequence, one.sequence);
  if (sequence != 0)
    step(slot, ev::persisted{sequence});
  for (auto& one : done) {
    if (on.life != life || !on.running())
      return;
    if (one.install)
      installed(slot, *one.install);
    if (one.snapshot) {
      on.snapshotting = false;
      marks.hit(mark::snapshot_taken);
      step(slot, ev::snapshot_available{one.snapshot->meta.id, one.snapshot->meta.index,
                                        one.snapshot->meta.size, on.store.written().first()});
    }
  }
}

void world::send(std::size_t from, message what) {
  check.leaves(nodes[from], what);
  const auto to = slot_of(what.to);
  if (!to)
    return;
  if (options_.codec_on_wire) {
    wire_.clear();
    encode(what, wire_);
    auto decoded = decode_message(wire_, options_.lim);
    if (!std::holds_alternative<message>(decoded))
      throw violation{"codec", std::string{"a sent message cannot be read: "} + name_of(what.body)};
    what = std::get<message>(std::move(decoded));
  }
  const auto fate = net.send(from, *to);
  for (std::uint32_t copy = 0; copy < fate.copies; ++copy)
    queue_.push(now_ + fate.delay[copy], {*to, 0, arrival{from, what, 0}});
}

void world::send_chunk(std::size_t from, const snapshot_chunk& what) {
  auto& on = nodes[from];
  const auto to = slot_of(what.to);
  const auto& newest = on.store.durable().snapshot;
  const stored_snapshot* source = newest.meta.id == what.id ? &newest : nullptr;
  if (source == nullptr && on.previous_snapshot && on.previous_snapshot->meta.id == what.id)
    source = &*on.previous_snapshot;
  if (!to || source == nullptr || !source->bytes)
    return;
  const auto& bytes = *source->bytes;
  if (what.offset.value + what.length.value > bytes.size())
    throw violation{"snapshot transfer", "a chunk beyond the snapshot's end was asked for"};
  const auto fate = net.send(from, *to);
  for (std::uint32_t copy = 0; copy < fate.copies; ++copy)
    queue_.push(
        now_ + fate.delay[copy],
        {*to, 0,
         arrival{from, chunk{what.id, what.offset, bytes.substr(what.offset.value, what.length.value)}, 0}});
}

void world::answer_log_read(std::size_t slot, const log_read& what) {
  // A host reads when its disk's turn comes: what the same output, or one before, has put into the queue may
  // not have been written by then.
  const auto& store = nodes[slot].store;
  const auto& log = random_.per_mille(500) ? store.written() : store.durable().log;
  ev::log_entries answer{what.for_peer, what.first, {}};
  std::uint64_t bytes = 0;
  const bool in_full = random_.per_mille(800);
  for (auto index = what.first; index >= log.first() && index <= log.last() && index <= what.last;
       index = index.next()) {
    bytes += payload_size(log.at(index));
    if (!answer.entries.empty() && (bytes > what.max_bytes.value || !in_full))
      break;
    answer.entries.push_back(log.at(index));
  }
  local_event(slot, random_.between(options_.disk.sync_low, options_.disk.sync_high), std::move(answer));
}

void world::begin_apply(std::size_t slot) {
  auto& on = nodes[slot];
  if (on.applying || on.to_apply.empty())
    return;
  on.applying = true;
  const auto count = std::min<std::size_t>(on.to_apply.size(), 64);
  queue_.push(now_ + random_.between(options_.apply_low, options_.apply_high),
              {slot, on.life, entries_applied{count, on.apply_generation}});
}

void world::finish_apply(std::size_t slot, std::size_t count) {
  auto& on = nodes[slot];
  assert(count <= on.to_apply.size());
  for (; count > 0; --count) {
    const auto e = std::move(on.to_apply.front());
    on.to_apply.pop_front();
    if (e.index.value != on.state.applied() + 1)
      throw violation{"apply order", "entry " + std::to_string(e.index.value) + " was handed out after " +
                                         std::to_string(on.state.applied())};
    answer result;
    if (e.kind >= first_application_kind) {
      if (!e.payload)
        throw violation{"apply order", "an entry was handed out without its payload"};
      result = on.state.apply(e.index.value, *e.payload);
    } else {
      on.state.skip(e.index.value);
    }
    check.applied(on, e, result);
    maybe_snapshot(slot);
  }
  on.applying = false;
  step(slot, ev::applied{{on.state.applied()}});
}

void world::wake_waiting(std::size_t slot) {
  auto& on = nodes[slot];
  for (std::size_t i = 0; i < on.waits.size();) {
    if (on.waits[i].index.value > on.state.applied()) {
      ++i;
      continue;
    }
    const auto ready = on.waits[i];
    on.waits.erase(on.waits.begin() + static_cast<std::ptrdiff_t>(i));
    listener_->reached(slot, ready);
  }
}

void world::maybe_snapshot(std::size_t slot) {
  auto& on = nodes[slot];
  const index_t index{on.state.applied()};
  const auto& newest = on.store.durable().snapshot.meta;
  const bool due = options_.snapshots_aligned ? index.value % options_.compact_every == 0
                                              : index.value >= newest.index.value + options_.compact_every;
  const auto* members = on.brain->members_at(index);
  if (!due || on.snapshotting || on.installing || members == nullptr || index <= newest.index)
    return;
  on.snapshotting = true;
  on.previous_snapshot = on.store.durable().snapshot;
  stored_snapshot made;
  made.bytes = std::make_shared<const std::string>(on.state.save(options_.snapshot_bytes));
  made.chain = check.truth.chain_at(index);
  made.meta = {{mix64(made.chain)}, index, check.truth.at(index).term, {made.bytes->size()}, *members};
  disk_write write;
  write.compact_to = {index.value - std::min(index.value, options_.compact_keep)};
  write.snapshot = std::move(made);
  submit(slot, std::move(write));
}

void world::prepare_receive(std::size_t slot, const snapshot_meta& meta) {
  auto& partial = nodes[slot].store.partial();
  if (partial && partial->meta.id == meta.id && !partial->bytes.empty())
    marks.hit(mark::snapshot_resumed);
  else
    partial = partial_snapshot{meta, {}};
  local_event(slot, random_.between(options_.disk.sync_low, options_.disk.sync_high),
              ev::snapshot_stored{meta.id, {partial->bytes.size()}});
}

void world::install(std::size_t slot, const snapshot_meta& meta) {
  auto& on = nodes[slot];
  auto& partial = on.store.partial();
  if (!partial || partial->meta.id != meta.id || partial->bytes.size() != meta.size.value)
    throw violation{"snapshot transfer", "an incomplete snapshot was to be installed"};
  auto bytes = partial->bytes;
  if (random_.per_mille(30)) // the digest says that something went wrong on the way
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const auto loaded = machine::load(bytes);
  if (!loaded) {
    partial.reset();
    local_event(slot, 100us, ev::snapshot_installed{meta.id, false});
    return;
  }
  if (loaded->applied() != meta.index.value || meta.index > check.truth.last() ||
      (meta.index.value != 0 && check.truth.at(meta.index).term != meta.term))
    throw violation{"snapshot transfer", "a snapshot is not what its description says"};
  on.installing = true;
  disk_write write;
  write.install = stored_snapshot{meta, std::make_shared<const std::string>(std::move(bytes)),
                                  check.truth.chain_at(meta.index)};
  submit(slot, std::move(write));
}

void world::installed(std::size_t slot, const stored_snapshot& what) {
  auto& on = nodes[slot];
  on.installing = false;
  on.state = machine::load(*what.bytes).value();
  on.to_apply.clear();
  on.applying = false;
  ++on.apply_generation;
  marks.hit(mark::snapshot_installed);
  check.loaded(on);
  trace.note("snapshot installed", static_cast<int>(slot), -1, what.meta.index.value, what.meta.term.value);
  step(slot, ev::snapshot_installed{what.meta.id, true});
}

void world::follow_lease(std::size_t slot) {
  auto& on = nodes[slot];
  auto& leases = check.leases;
  if (on.out.lease) {
    if (on.out.lease->term != on.lease_term)
      leases.lets_go(slot, now_);
    on.lease_until = on.out.lease->until;
    on.lease_term = on.out.lease->term;
  }
  const auto local = on.local(now_);
  const auto earlier_over = on.brain->previous_lease_clear_at();
  if (on.leads() && earlier_over && local >= *earlier_over)
    for (std::size_t other = 0; other < nodes.size(); ++other)
      if (other != slot)
        lease_clearance::check(on.brain->term(), leases.held(other, now_), nodes[other].held_in);
  if (!on.lease_until || local >= *on.lease_until) {
    leases.lets_go(slot, now_);
    return;
  }
  if (!leases.held(slot, now_)) {
    if (!on.leads() || !earlier_over || local < *earlier_over)
      return;
  }
  on.held_in = on.lease_term;
  if (leases.holds(slot, now_, on.clock.true_at(microseconds{on.lease_until->us}))) {
    trace.note("takes the lease", static_cast<int>(slot), -1, on.lease_term.value);
    if (on.lease_term.value > 1)
      marks.hit(mark::lease_taken_over);
  }
}

void world::note_roles(std::size_t slot) {
  auto& on = nodes[slot];
  for (const auto& one : on.out.roles)
    trace.note(one.reason[0] != '\0' ? one.reason : to_string(one.now), static_cast<int>(slot), -1,
               one.term.value, static_cast<std::uint64_t>(one.now));
  const auto now = on.brain->current_role();
  if (now == role::leader && on.last_role != role::leader)
    marks.hit(mark::leader_elected);
  if (now != role::leader && on.last_role == role::leader) {
    marks.hit(mark::leader_stepped_down);
    if (on.full)
      marks.hit(mark::full_disk_stepped_down);
    else if (on.brain->status().disk_stalled)
      marks.hit(mark::stall_stepped_down);
    if (on.brain->members().find(on.id) == nullptr)
      marks.hit(mark::leader_removed_itself);
  }
  on.last_role = now;
}

} // namespace holdfast::raft::sim
