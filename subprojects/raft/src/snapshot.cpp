// Snapshots for peers that need entries no longer in the log (thesis §5). The core decides who needs what and
// from which offset; the bytes travel on a connection of their own. The offer is idempotent and answered with
// how much is stored, so an interrupted transfer goes on where it stopped; another snapshot id starts over.
#include <raft/core.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

// ---- leader ----

void core::handle(const ev::snapshot_available& e) {
  if (e.index < snapshot_.index || (incoming_ && incoming_->installing))
    return; // one from a leader overtook it while it was written
  const config* c = members_at(e.index);
  const auto term =
      e.index == snapshot_.index ? std::optional<term_t>{snapshot_.term} : log_.term_at(e.index);
  if (!c || !term || e.index > commit_ || e.log_first > e.index.next()) {
    fail("a snapshot was reported that does not fit the log");
    return;
  }
  snapshot_ = snapshot_meta{e.id, e.index, *term, e.size, *c};
  log_.compact(e.log_first.previous());
  while (configs_.size() > 1 && configs_[1].index <= snapshot_.index)
    configs_.erase(configs_.begin());
}

void core::begin_snapshot(progress& p) {
  p.state = progress_state::snapshot;
  p.inflight.clear();
  p.disk_read_pending = false;
  p.snapshot = snapshot_progress{snapshot_, {}, false, now_};
  offer_snapshot(p);
}

void core::offer_snapshot(progress& p) {
  p.snapshot->last_activity = now_;
  send(p.id, snapshot_offer{p.snapshot->meta});
}

void core::request_chunk(progress& p) {
  snapshot_progress& s = *p.snapshot;
  if (s.chunk_pending || s.stored >= s.meta.size)
    return;
  s.chunk_pending = true;
  const std::uint64_t left = s.meta.size.value - s.stored.value;
  out_->send_chunks.push_back({p.id, s.meta.id, s.meta.index, s.stored,
                               byte_count{std::min(left, limits_.snapshot_chunk_bytes.value)}});
}

/// No answer for long: offer again. By then a newer snapshot may be the better one, and the old one gone.
void core::retry_snapshot(progress& p) {
  snapshot_progress& s = *p.snapshot;
  if (now_ - s.last_activity < limits_.snapshot_retry_interval)
    return;
  s.chunk_pending = false;
  if (s.meta.id != snapshot_.id)
    s = snapshot_progress{snapshot_, {}, false, now_};
  offer_snapshot(p);
}

void core::on(const message& m, const snapshot_status& b) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(m.from) : nullptr;
  if (!p)
    return;
  p->last_heard = now_;
  p->recovering = b.recovering;
  if (p->state != progress_state::snapshot || p->snapshot->meta.id != b.id ||
      p->snapshot->meta.index != b.index)
    return;
  snapshot_progress& s = *p->snapshot;
  s.last_activity = now_;
  if (b.installed) {
    p->match = std::max(p->match, b.index);
    note_catch_up(*p);
    p->become_replicate();
    p->last_ack = now_;
    advance_commit();
    if (leading())
      replicate_to(*leading()->find(m.from));
    return;
  }
  if (b.stored > s.meta.size)
    return;
  if (b.stored != s.stored)
    s.chunk_pending = false;
  s.stored = b.stored;
  request_chunk(*p);
}

// ---- receiver ----

void core::on(const message& m, const snapshot_offer& b) {
  if (!invalid_reason(b.meta.members, limits_).empty() || b.meta.members.members.empty()) {
    ++dropped_.malformed;
    return;
  }
  if (!leader_heard(m, handover_.term == m.term ? handover_.epoch : 0))
    return;
  if (incoming_ && incoming_->installing)
    return; // the log is about to be replaced
  if (holds(b.meta)) {
    commit_to(b.meta.index);
    send_durably(m.from, snapshot_status{b.meta.id, b.meta.index, b.meta.size, true, state_.recovering});
    return;
  }
  if (incoming_ && incoming_->meta.id == b.meta.id && incoming_->meta.index == b.meta.index) {
    incoming_->from = m.from;
    if (incoming_->known) {
      install_when_whole();
      report_snapshot_status(false);
    }
    return;
  }
  incoming_ = incoming_snapshot{b.meta, m.from, {}, false, false};
  out_->receive_snapshot = b.meta;
}

/// Whether the log already stands for all that this snapshot does.
bool core::holds(const snapshot_meta& meta) const {
  return !blank() && (meta.index <= commit_ || log_.term_at(meta.index) == meta.term);
}

void core::handle(const ev::snapshot_stored& e) {
  if (!incoming_ || incoming_->meta.id != e.id || incoming_->installing)
    return;
  if (holds(incoming_->meta)) {
    incoming_.reset(); // entries overtook it; in their place it would destroy what was acknowledged since
    return;
  }
  incoming_->known = true;
  incoming_->stored = std::min(e.stored, incoming_->meta.size);
  install_when_whole();
  report_snapshot_status(false);
}

/// Only a follower gives up its log: a candidate may be about to lead with it. The leader offers again.
void core::install_when_whole() {
  if (incoming_->stored != incoming_->meta.size || !std::holds_alternative<follower_role>(role_))
    return;
  incoming_->installing = true;
  out_->install_snapshot = incoming_->meta;
}

void core::report_snapshot_status(bool installed) {
  if (leader() != incoming_->from)
    return; // the next leader will offer and ask
  const snapshot_meta& meta = incoming_->meta;
  send_answer(incoming_->from,
              snapshot_status{meta.id, meta.index, incoming_->stored, installed, state_.recovering});
}

void core::handle(const ev::snapshot_installed& e) {
  if (!incoming_ || incoming_->meta.id != e.id || !incoming_->installing)
    return;
  if (!e.ok) {
    incoming_.reset(); // the next offer starts over
    return;
  }
  adopt_snapshot();
  report_snapshot_status(true);
  incoming_.reset();
  if (committed_config().members.is_removed(self_))
    become_removed("removed from the cluster");
}

/// The whole log gives way: it ends before the snapshot, or differs from it and so was never committed there.
void core::adopt_snapshot() {
  snapshot_ = incoming_->meta;
  assert(blank() || snapshot_.index > commit_);
  log_.reset(snapshot_.index, snapshot_.term);
  configs_.clear();
  configs_.push_back({snapshot_.index, snapshot_.members});
  committed_config_ = snapshot_.index;
  commit_ = handed_out_ = applied_ = durable_ = verified_ = snapshot_.index;
  apply_read_pending_ = false;
  for (pending_persist& p : persists_)
    p.last = index_t{};
  out_->commit = commit_;
  out_->configs.push_back({snapshot_.members, snapshot_.index, true});
  resolve_proposals();
}

} // namespace holdfast::raft
