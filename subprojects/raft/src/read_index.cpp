// Linearizable reads without the log (thesis §6.4). A read is served at the commit index of a round that was
// sent after the read was asked. Rounds grow within a leadership and carry its term, so an answer can never
// confirm another read than the one it was sent for. At most one batch waits; what comes meanwhile forms the
// next.
#include <raft/core.hpp>

#include <algorithm>

namespace holdfast::raft {

void core::handle(const ev::read& e) {
  waiting_read r;
  r.context = e.context;
  r.asked = now_;
  if (leading()) {
    add_read(r);
    return;
  }
  if (leader().is_nil() || forwarded_.waiting.size() >= limits_.max_pending_reads) {
    out_->reads.push_back(
        {e.context, false, {}, leader().is_nil() ? "no leader is known" : "too many reads wait"});
    return;
  }
  forwarded_.waiting.push_back(r);
  forward_reads();
}

void core::add_read(waiting_read r) {
  leader_role& lead = *leading();
  if (lead.new_reads.size() >= limits_.max_pending_reads) {
    if (r.remote.is_nil())
      out_->reads.push_back({r.context, false, {}, "too many reads wait"});
    else
      send(r.remote, read_index_response{r.session, r.sequence, false, {}});
    return;
  }
  lead.new_reads.push_back(r);
}

/// Starts the next batch when none is on its way. Before the first entry of the own term is committed the
/// commit index may be behind what an earlier leader has acknowledged.
void core::push_reads() {
  leader_role& lead = *leading();
  if (!lead.new_reads.empty() && lead.batches.empty() && commit_ >= lead.first_own)
    start_round();
}

void core::finish_reads() {
  leader_role& lead = *leading();
  while (!lead.batches.empty() && lead.batches.front().round <= lead.confirmed_round) {
    const read_batch& batch = lead.batches.front();
    for (const waiting_read& r : batch.reads) {
      if (r.remote.is_nil())
        out_->reads.push_back({r.context, true, batch.index, ""});
      else
        send(r.remote, read_index_response{r.session, r.sequence, true, batch.index});
    }
    lead.batches.pop_front();
  }
}

/// After a pause of this process: what was sent before it proves too little; ask again.
void core::requeue_reads() {
  leader_role& lead = *leading();
  while (!lead.batches.empty()) {
    auto& reads = lead.batches.back().reads;
    lead.new_reads.insert(lead.new_reads.begin(), reads.begin(), reads.end());
    lead.batches.pop_back();
  }
}

void core::fail_reads(const char* reason) {
  leader_role& lead = *leading();
  const auto fail_one = [&](const waiting_read& r) {
    if (r.remote.is_nil())
      out_->reads.push_back({r.context, false, {}, reason});
  };
  for (const read_batch& batch : lead.batches)
    std::for_each(batch.reads.begin(), batch.reads.end(), fail_one);
  std::for_each(lead.new_reads.begin(), lead.new_reads.end(), fail_one);
  lead.batches.clear();
  lead.new_reads.clear();
}

void core::forward_reads() {
  if (forwarded_.out || forwarded_.waiting.empty() || leader().is_nil() || leading())
    return;
  forwarded_.out = forwarded_reads::batch{++forwarded_.sequence, now_, std::move(forwarded_.waiting)};
  forwarded_.waiting.clear();
  send_answer(leader(), read_index_request{forwarded_.session, forwarded_.out->sequence});
}

void core::on(const message& m, const read_index_request& b) {
  if (!leading()) {
    send_answer(m.from, read_index_response{b.session, b.sequence, false, {}});
    return;
  }
  waiting_read r;
  r.remote = m.from;
  r.session = b.session;
  r.sequence = b.sequence;
  r.asked = now_;
  add_read(r);
}

void core::on(const message&, const read_index_response& b) {
  if (!forwarded_.out || b.session != forwarded_.session || b.sequence != forwarded_.out->sequence)
    return;
  for (const waiting_read& r : forwarded_.out->reads)
    out_->reads.push_back({r.context, b.ok, b.index, b.ok ? "" : "the leader could not confirm the read"});
  forwarded_.out.reset();
  forward_reads();
}

void core::fail_forwarded(const char* reason) {
  if (forwarded_.out)
    for (const waiting_read& r : forwarded_.out->reads)
      out_->reads.push_back({r.context, false, {}, reason});
  for (const waiting_read& r : forwarded_.waiting)
    out_->reads.push_back({r.context, false, {}, reason});
  forwarded_.out.reset();
  forwarded_.waiting.clear();
}

void core::expire_reads() {
  if (forwarded_.out) {
    const instant oldest = forwarded_.out->reads.front().asked;
    if (now_ - oldest >= limits_.read_timeout) {
      fail_forwarded("nobody confirmed the read in time");
    } else if (now_ - forwarded_.out->sent >= limits_.heartbeat_interval && !leader().is_nil()) {
      forwarded_.out->sent = now_; // the request or its answer may be lost; asking twice is harmless
      send_answer(leader(), read_index_request{forwarded_.session, forwarded_.out->sequence});
    }
  }
  leader_role* lead = leading();
  if (!lead)
    return;
  const auto expired = [&](const waiting_read& r) {
    if (now_ - r.asked < limits_.read_timeout)
      return false;
    if (r.remote.is_nil())
      out_->reads.push_back({r.context, false, {}, "nobody confirmed the read in time"});
    return true;
  };
  std::erase_if(lead->new_reads, expired);
  for (read_batch& batch : lead->batches)
    std::erase_if(batch.reads, expired);
}

} // namespace holdfast::raft
