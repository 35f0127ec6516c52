// The leader's side of replication (thesis §3.5, §10.2): pipelined appends within limits, and the commit
// rule.
#include <raft/core.hpp>
#include <raft/quorum.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

void core::handle(const ev::propose& e) {
  proposal_outcome refused;
  refused.context = e.context;
  refused.status = outcome_status::surely_not;
  leader_role* lead = leading();
  const std::size_t size = e.payload ? e.payload->size() : 0;
  if (!lead)
    refused.reason = "not the leader";
  else if (lead->transfer)
    refused.reason = "leadership is being handed over";
  else if (e.kind < first_application_kind)
    refused.reason = "this kind of entry is the core's";
  else if (size > limits_.max_entry_bytes.value)
    refused.reason = "the entry is too large";
  else if (log_.last_index().value - commit_.value >= limits_.max_uncommitted_entries ||
           lead->uncommitted_bytes + size > limits_.max_uncommitted_bytes.value) {
    refused.status = outcome_status::overloaded;
    refused.reason = "too much waits to be committed";
  } else {
    static const payload_ptr empty = std::make_shared<const std::string>();
    const index_t index = append_local(e.kind, e.payload ? e.payload : empty);
    proposals_.push_back({e.context, index, state_.term});
    replicate_all();
    return;
  }
  out_->outcomes.push_back(refused);
}

index_t core::append_local(entry_kind kind, payload_ptr payload) {
  const entry e{state_.term, log_.last_index().next(), kind, std::move(payload)};
  leading()->uncommitted_bytes += payload_size(e);
  log_.append(e);
  persist_entry(e);
  return e.index;
}

void core::replicate_all() {
  for (progress& p : leading()->peers)
    replicate_to(p);
}

void core::replicate_to(progress& p) {
  while (p.state != progress_state::snapshot) {
    const index_t previous = p.next.previous();
    if (!log_.term_at(previous)) {
      begin_snapshot(p);
      return;
    }
    const bool nothing_new = p.next > log_.last_index();
    if (p.state == progress_state::probe ? p.probe_pending : nothing_new || p.disk_read_pending)
      return;
    if (p.state == progress_state::replicate && extend_last_append(p))
      continue;
    if (p.state == progress_state::replicate && p.inflight.full(limits_.max_inflight_bytes))
      return;
    std::vector<entry> entries;
    if (!nothing_new && log_.resident(p.next) &&
        (p.state == progress_state::replicate || recently_heard(p))) {
      const std::uint64_t count = log_.last_index().value - previous.value;
      entries.reserve(std::min<std::size_t>(count, limits_.max_append_entries));
      log_.copy(p.next, log_.last_index(), limits_.max_append_entries, limits_.max_append_bytes, entries);
    } else if (p.state == progress_state::replicate) {
      p.disk_read_pending = true;
      p.last_sent = now_;
      out_->read_log.push_back({p.id, p.next, log_.first_resident().previous(), limits_.max_disk_read_bytes});
      return;
    }
    send_append(p, std::move(entries));
  }
}

void core::send_append(progress& p, std::vector<entry> entries) {
  append_request request;
  request.prev_index = p.next.previous();
  request.prev_term = *log_.term_at(request.prev_index);
  request.commit = commit_;
  request.leader_last = log_.last_index();
  request.handover_epoch = leading()->handover_epoch;
  p.last_sent = now_;
  if (p.state == progress_state::probe) {
    p.probe_pending = true;
  } else if (!entries.empty()) {
    if (p.inflight.empty())
      p.last_ack = now_; // the retry clock starts with the first unanswered message
    byte_count bytes;
    for (const entry& e : entries)
      bytes.value += payload_size(e);
    p.inflight.add(entries.back().index, bytes);
    p.next = entries.back().index.next();
  }
  p.told_commit =
      std::max(p.told_commit, std::min(commit_, index_t{request.prev_index.value + entries.size()}));
  request.entries = std::move(entries);
  send(p.id, std::move(request));
}

/// The newest message to a peer that has not left yet: several events may fill one output.
message* core::last_to(node_id peer) {
  const std::size_t look_back = 2 * leading()->peers.size();
  auto& queue = out_->send_now;
  for (std::size_t i = 0; i < look_back && i < queue.size(); ++i)
    if (message& m = queue[queue.size() - 1 - i]; m.to == peer)
      return &m;
  return nullptr;
}

/// Proposals stepped into one output travel as one message.
bool core::extend_last_append(progress& p) {
  if (p.inflight.empty() || !log_.resident(p.next))
    return false;
  message* m = last_to(p.id);
  auto* request = m ? std::get_if<append_request>(&m->body) : nullptr;
  if (!request || request->entries.empty() || request->entries.back().index.next() != p.next ||
      m->term != state_.term)
    return false;
  const entry& e = log_.at(p.next);
  const byte_count more{payload_size(e)};
  if (request->entries.size() >= limits_.max_append_entries ||
      p.inflight.newest_bytes().value + more.value > limits_.max_append_bytes.value)
    return false;
  request->entries.push_back(e);
  request->leader_last = log_.last_index();
  p.inflight.extend_newest(e.index, more);
  p.next = e.index.next();
  return true;
}

void core::on(const message& m, const append_response& b) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(m.from) : nullptr;
  if (!p)
    return;
  p->last_heard = now_;
  p->recovering = b.recovering;
  if (b.needs_snapshot && b.recovering) {
    p->match = {}; // its whole log is lost
    begin_catch_up(*p);
  }
  if (b.needs_snapshot && p->match > index_t{})
    return; // late: it has taken entries since
  if (b.needs_snapshot && snapshot_.index == index_t{} && snapshot_.members.members.empty()) {
    // The whole log is here, its first entry is the first configuration: that is all a blank node needs.
    p->become_probe();
    p->next = index_t{1};
    replicate_to(*p);
    return;
  }
  if (b.needs_snapshot) {
    if (p->state != progress_state::snapshot)
      begin_snapshot(*p);
    return;
  }
  if (b.rejected) {
    append_rejected(*p, b);
    return;
  }
  if (b.match > log_.last_index()) {
    ++dropped_.malformed;
    return;
  }
  if (b.match > p->match || !p->inflight.empty())
    p->last_ack = now_;
  p->match = std::max(p->match, b.match);
  p->next = std::max(p->next, p->match.next());
  note_catch_up(*p);
  if (p->state == progress_state::probe) {
    p->become_replicate();
  } else if (p->state == progress_state::replicate) {
    p->inflight.answered(p->match);
  } else if (p->snapshot && p->match >= p->snapshot->meta.index) {
    p->become_replicate();
  }
  advance_commit();
  if (!leading())
    return;
  if (progress* still = leading()->find(m.from)) {
    replicate_to(*still);
    if (leading()->transfer && leading()->transfer->target == m.from)
      push_transfer();
  }
}

void core::append_rejected(progress& p, const append_response& b) {
  if (p.state == progress_state::snapshot)
    return;
  // A recovering node has lost entries it had acknowledged; of any other node that cannot be.
  if (b.recovering)
    p.match = std::min(p.match, b.hint_index);
  const bool stale = b.match <= p.match || (p.state == progress_state::probe && b.match != p.next.previous());
  if (stale && !b.recovering)
    return;
  p.become_probe();
  const index_t agree = log_.last_index_with_term_at_most(b.hint_index, b.hint_term);
  if (b.hint_index < log_.base_index())
    p.next =
        std::max(p.match.next(), b.hint_index.next()); // before the log: replicate_to turns to the snapshot
  else
    p.next = std::max(p.match.next(), agree.next());
  replicate_to(p);
}

/// A message was lost on a link that looks healthy, or the peer is silent: go back to probing.
void core::retry_appends(progress& p) {
  const bool waits_for_probe = p.state == progress_state::probe && p.probe_pending;
  const bool waits_for_acks = p.state == progress_state::replicate && !p.inflight.empty();
  if (waits_for_probe && now_ - p.last_sent >= limits_.append_retry_interval) {
    p.probe_pending = false;
    replicate_to(p);
  } else if (waits_for_acks && now_ - p.last_ack >= limits_.append_retry_interval) {
    p.become_probe();
    replicate_to(p);
  } else if (p.disk_read_pending && now_ - p.last_sent >= limits_.append_retry_interval) {
    p.disk_read_pending = false;
    replicate_to(p);
  }
}

/// Thesis §3.6.2: only entries of the own term are committed by counting. The leader counts itself from its
/// durable index, a recovering peer not at all.
void core::advance_commit() {
  const leader_role& lead = *leading();
  const auto reached = quorum_value<index_t>(members(), [&](node_id id) {
    if (id == self_)
      return durable_;
    const progress* p = lead.find(id);
    return p && !p->recovering ? p->match : index_t{};
  });
  if (reached > commit_ && log_.term_at(reached) == state_.term)
    commit_to(reached);
}

/// Followers hear of a commit at once: a read forwarded to one waits for it to apply. Never beyond what a
/// peer is known to hold, since what it has behind that may be another leader's.
void core::spread_commit() {
  for (progress& p : leading()->peers) {
    const index_t news = std::min(commit_, p.match);
    if (p.state != progress_state::replicate || news <= p.told_commit)
      continue;
    p.told_commit = news;
    message* m = last_to(p.id);
    if (auto* request = m ? std::get_if<append_request>(&m->body) : nullptr;
        request && m->term == state_.term)
      request->commit = commit_;
    else
      send(p.id, heartbeat{0, news, log_.last_index(), leading()->handover_epoch, p.recovery_mark});
  }
}

void core::handle(const ev::log_entries& e) {
  if (e.for_peer.is_nil())
    log_for_apply(e);
  else
    log_for_peer(e);
}

void core::log_for_peer(const ev::log_entries& e) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(e.for_peer) : nullptr;
  if (!p || !p->disk_read_pending)
    return;
  p->disk_read_pending = false;
  if (p->state == progress_state::replicate && e.first == p->next &&
      !p->inflight.full(limits_.max_inflight_bytes)) {
    std::vector<entry> entries;
    for (const entry& x : e.entries) {
      if (x.index != index_t{e.first.value + entries.size()} || entries.size() >= limits_.max_append_entries)
        break;
      if (log_.term_at(x.index) != x.term)
        break; // compacted or replaced since
      entries.push_back(x);
    }
    if (entries.empty()) {
      // Nothing usable: ask again after the retry interval, or find that a snapshot is needed.
      p->disk_read_pending = log_.term_at(p->next.previous()).has_value();
      p->last_sent = now_;
    } else {
      send_append(*p, std::move(entries));
    }
  }
  replicate_to(*p);
}

} // namespace holdfast::raft
