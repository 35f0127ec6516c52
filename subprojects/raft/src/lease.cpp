// The quorum lease (architecture §7). A round of heartbeats that a majority answered keeps the lease until
// the round's sending time + lease_length. Whoever answered remembers when; a vote tells the candidate how
// long a lease that the voter helped to extend may still run. Two quorums always share a voter, so the winner
// knows when every earlier lease has ended, whatever made the voters forget their stickiness.
#include <raft/core.hpp>

#include <algorithm>

namespace holdfast::raft {

void core::note_promise(term_t term, instant answered) {
  lease_promises& p = promises_;
  if (term > p.term) {
    if (p.answered)
      p.answered_older = std::max(p.answered_older.value_or(*p.answered), *p.answered);
    p.term = term;
    p.answered = answered;
  } else if (term == p.term) {
    p.answered = std::max(p.answered.value_or(answered), answered);
  }
}

/// By this node's clock, with room for the holder's clock running slower.
duration core::promise_remaining(const std::optional<instant>& answered) const {
  if (!answered)
    return duration{0};
  const duration guard = limits_.lease_length + limits_.lease_length * limits_.clock_drift_permille / 1000;
  return std::max(duration{0}, *answered + guard - now_);
}

bool core::has_ticket(term_t term) const {
  return std::find(promises_.tickets.begin(), promises_.tickets.end(), term) != promises_.tickets.end();
}

void core::add_claims(candidate_role& c, term_t term, duration remaining, duration older) const {
  const bool released = has_ticket(term) || c.released_term == term;
  if (remaining > duration{0} && !released)
    c.claims.push_back({term, now_ + remaining});
  if (older > duration{0})
    c.claims.push_back({term_t{}, now_ + older});
}

void core::extend_lease(instant round_sent) {
  leader_role& lead = *leading();
  const instant until = round_sent + limits_.lease_length;
  if (until <= now_ || (lead.lease_until && *lead.lease_until >= until))
    return;
  lead.lease_until = until;
  note_promise(state_.term, round_sent);
  out_->lease = lease_info{until, state_.term};
}

void core::drop_lease() {
  leader_role& lead = *leading();
  if (!lead.lease_until)
    return;
  lead.lease_until.reset();
  out_->lease = lease_info{std::nullopt, state_.term};
}

lease_info core::lease() const {
  const leader_role* lead = leading();
  return {lead ? lead->lease_until : std::nullopt, state_.term};
}

std::optional<instant> core::previous_lease_clear_at() const {
  const leader_role* lead = leading();
  if (!lead)
    return std::nullopt;
  instant clear = lead->elected_at;
  for (const lease_claim& c : lead->claims)
    clear = std::max(clear, c.clear_at);
  return clear;
}

std::optional<instant> core::last_leader_contact() const {
  const auto* f = std::get_if<follower_role>(&role_);
  if (!f || f->leader.is_nil())
    return std::nullopt;
  return f->last_heard;
}

} // namespace holdfast::raft
