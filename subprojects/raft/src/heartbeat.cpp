// Heartbeat rounds. A round is answered without the disk; one that a quorum answered proves that at its
// sending time nobody else led. It confirms reads (thesis §6.4), extends the lease, and its absence ends the
// leadership (check-quorum, §6.2).
#include <raft/core.hpp>
#include <raft/quorum.hpp>

#include <algorithm>

namespace holdfast::raft {
namespace {
constexpr std::size_t max_open_rounds = 256;
}

void core::on(const message& m, const heartbeat& b) {
  if (!leader_heard(m, b.handover_epoch))
    return;
  const bool installing = incoming_ && incoming_->installing;
  if (!installing && !blank()) {
    recovery_contact(b.leader_last, b.recovery_mark == recovery_mark_);
    commit_to(b.commit);
  }
  if (b.round != 0)
    send_answer(m.from, heartbeat_answer(b.round));
}

heartbeat_response core::heartbeat_answer(std::uint64_t round) const {
  return {round, state_.recovering, state_.recovering ? recovery_mark_ : 0, log_.last_index()};
}

void core::on(const message& m, const heartbeat_response& b) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(m.from) : nullptr;
  if (!p)
    return;
  const bool was_silent = !recently_heard(*p);
  const bool whole_again = p->recovering && !b.recovering;
  p->last_heard = now_;
  p->recovering = b.recovering;
  p->recovery_mark = b.recovery_mark;
  if (b.round > p->answered_round && b.round <= lead->round) {
    p->answered_round = b.round;
    round_answered();
  }
  // It lost entries it had acknowledged, and the link stayed up: while nothing new is to be sent, nothing
  // else would show it.
  if (b.recovering && b.last_index < p->match && p->state != progress_state::snapshot) {
    p->match = b.last_index;
    p->become_probe();
    replicate_to(*p);
  }
  // Back after a silence: what was sent meanwhile is lost, do not wait for the retry clock.
  if (was_silent && p->state == progress_state::probe) {
    p->probe_pending = false;
    replicate_to(*p);
  }
  // What it acknowledged while it did not count does count now, and nothing else may ever be sent to it.
  if (whole_again)
    advance_commit();
}

void core::start_round() {
  leader_role& lead = *leading();
  ++lead.round;
  lead.next_heartbeat = now_ + limits_.heartbeat_interval;
  lead.rounds.push_back({lead.round, now_, lead.handover_epoch});
  if (lead.rounds.size() > max_open_rounds)
    lead.rounds.pop_front();
  if (!lead.new_reads.empty() && commit_ >= lead.first_own) {
    // The commit index as it is now is at least what it was when any of these reads was asked.
    lead.batches.push_back({lead.round, commit_, std::move(lead.new_reads)});
    lead.new_reads.clear();
  }
  for (const progress& p : lead.peers)
    send(p.id, heartbeat{lead.round, std::min(commit_, p.match), log_.last_index(), lead.handover_epoch,
                         p.recovery_mark});
  round_answered();
}

void core::round_answered() {
  leader_role& lead = *leading();
  const auto answered = quorum_value<std::uint64_t>(members(), [&](node_id id) -> std::uint64_t {
    if (id == self_)
      return lead.round;
    const progress* p = lead.find(id);
    return p && !p->recovering ? p->answered_round : 0;
  });
  if (answered <= lead.confirmed_round)
    return;
  lead.confirmed_round = answered;
  while (!lead.rounds.empty() && lead.rounds.front().round <= answered) {
    const sent_round r = lead.rounds.front();
    lead.rounds.pop_front();
    // A handover, once ordered, may happen at any time until its epoch is over: no lease meanwhile.
    if (r.round == answered && !lead.transfer && r.handover_epoch == lead.handover_epoch)
      extend_lease(r.sent);
  }
  finish_reads();
}

bool core::recently_heard(const progress& p) const {
  return now_ - p.last_heard < limits_.election_timeout_min;
}

bool core::alive(node_id id) const {
  if (id == self_)
    return true;
  const progress* p = leading()->find(id);
  return p && recently_heard(*p);
}

void core::leader_timers(bool after_pause) {
  if (!has_quorum(members(), [this](node_id id) { return alive(id); })) {
    resign("no contact with a majority");
    // Who was only paused hears of its successor within a heartbeat, and of its proposals with the next. Who
    // is cut off hears nothing, and those who wait on it should turn to others.
    if (outcome_deadline_)
      outcome_deadline_ = std::min(*outcome_deadline_, now_ + limits_.heartbeat_interval * 2);
    return;
  }
  leader_role& lead = *leading();
  if (lead.lease_until && now_ >= *lead.lease_until)
    drop_lease();
  if (after_pause)
    requeue_reads();
  if (lead.transfer) {
    if (now_ >= lead.transfer->deadline)
      end_transfer(outcome_status::surely_not, "the successor did not take over in time");
    else
      push_transfer();
    if (!leading())
      return;
  }
  if (now_ >= lead.next_heartbeat)
    start_round();
  for (progress& p : lead.peers) {
    retry_appends(p);
    if (p.state == progress_state::snapshot)
      retry_snapshot(p);
  }
  notify_departing();
}

} // namespace holdfast::raft
