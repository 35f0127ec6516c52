#include <raft/core.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

message core::envelope(node_id to, message_body body) const {
  return {cluster_, self_, to, protocol_version, state_.term, std::move(body)};
}

void core::send(node_id to, message_body body) {
  out_->send_now.push_back(envelope(to, std::move(body)));
}

/// A promise about the disk: leaves when everything handed to the disk so far is durable.
void core::send_durably(node_id to, message_body body) {
  if (persists_.empty()) {
    send(to, std::move(body));
    return;
  }
  open_persist();
  out_->send_after_persist.push_back(envelope(to, std::move(body)));
}

/// An answer that speaks for the current term, hence waits for the term to be durable, but not for entries.
void core::send_answer(node_id to, message_body body) {
  if (durable_state_.term == state_.term)
    send(to, std::move(body));
  else
    send_durably(to, std::move(body));
}

persist_request& core::open_persist() {
  persist_request& p = out_->persist;
  if (p.sequence == 0 || persists_.empty() || persists_.back().sequence != p.sequence) {
    p.sequence = ++persist_sequence_;
    persists_.push_back({p.sequence, {}, std::nullopt, now_});
  }
  return p;
}

void core::set_state(term_t term, node_id vote) {
  assert(term >= state_.term);
  assert(term > state_.term || state_.vote.is_nil() || state_.vote == vote);
  state_.term = term;
  state_.vote = vote;
  persist_state();
}

void core::persist_state() {
  open_persist().state = state_;
  persists_.back().state = state_;
}

void core::persist_entry(const entry& e) {
  open_persist().entries.push_back(e);
  persists_.back().last = e.index;
}

void core::handle(const ev::persisted& e) {
  if (persists_.empty() || e.sequence < persists_.front().sequence)
    return;
  if (e.sequence > persists_.back().sequence) {
    fail("a persist was reported that was never asked for");
    return;
  }
  while (!persists_.empty() && persists_.front().sequence <= e.sequence) {
    const pending_persist& done = persists_.front();
    durable_ = std::max(durable_, done.last);
    if (done.state)
      durable_state_ = *done.state;
    persists_.pop_front();
  }
  assert(durable_ <= log_.last_index());
  check_disk();
  if (std::holds_alternative<candidate_role>(role_)) {
    own_vote_is_durable();
    count_votes();
  }
  if (leading())
    advance_commit();
}

/// A stalled disk is as good as a dead one for a leader, and a node that cannot write must not become one.
/// What counts is the age of the oldest unfinished write.
void core::check_disk() {
  const bool stalled = !persists_.empty() && now_ - persists_.front().issued > limits_.disk_stall_limit;
  const bool began = stalled && !stalled_;
  stalled_ = stalled;
  if (began && leading())
    resign_for_disk("the disk stalls");
}

void core::handle(const ev::disk_full& e) {
  disk_full_ = e.full;
  if (disk_full_ && leading())
    resign_for_disk("the disk is full");
}

} // namespace holdfast::raft
