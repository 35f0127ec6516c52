// What must hold between any two events, whatever happened (thesis figure 3.2 as far as one node can see it).
#include <raft/core.hpp>

namespace holdfast::raft {

std::string core::broken_invariant() const {
  const index_t last = log_.last_index();
  if (applied_ > handed_out_ || handed_out_ > commit_ || commit_ > last)
    return "applied <= handed out <= commit <= last";
  if (durable_ > last)
    return "durable <= last";
  if (log_.base_index() > snapshot_.index && !(incoming_ && incoming_->installing))
    return "the log begins at or before the snapshot's end";
  if (log_.last_term() > state_.term)
    return "no entry of a later term";
  if (durable_state_.term > state_.term)
    return "the durable term is not ahead";
  for (std::size_t i = 1; i < configs_.size(); ++i)
    if (!(configs_[i - 1].index < configs_[i].index))
      return "configurations are in log order";
  if (configs_.back().index > last)
    return "the configuration is in the log";
  if (removed_ && (leading() || std::holds_alternative<candidate_role>(role_)))
    return "a removed node takes no part";
  if (state_.recovering && (leading() || std::holds_alternative<candidate_role>(role_)))
    return "a recovering node does not campaign";
  const leader_role* lead = leading();
  if (!lead)
    return {};
  if (durable_state_.term != state_.term || durable_state_.vote != self_)
    return "a leader's own vote is durable";
  if (lead->lease_until && lead->transfer)
    return "no lease during a handover";
  if (lead->confirmed_round > lead->round)
    return "only rounds that were sent are confirmed";
  for (const progress& p : lead->peers)
    if (p.match > last || p.match >= p.next ||
        (p.state == progress_state::snapshot) != p.snapshot.has_value())
      return "progress of a peer";
  return {};
}

} // namespace holdfast::raft
