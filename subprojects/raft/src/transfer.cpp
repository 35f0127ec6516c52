// Leadership transfer (thesis §3.10). The leader gives up its lease, refuses proposals, brings the successor
// up to date and tells it to take over, on every tick until the deadline: one lost message must not hang it.
#include <raft/core.hpp>

#include <algorithm>

namespace holdfast::raft {
namespace {
/// Ticks may come more often than a message can make a difference.
constexpr duration resend_interval = std::chrono::milliseconds{10};
} // namespace

void core::handle(const ev::transfer& e) {
  const char* refused = nullptr;
  active_transfer t;
  t.deadline = e.deadline;
  t.context = e.context;
  t.has_context = true;
  t.lease_released = e.lease_released;
  if (!leading())
    refused = "not the leader";
  else if (leading()->transfer)
    refused = "leadership is being handed over already";
  else {
    t.target = e.target.is_nil() ? best_successor() : e.target;
    const member* m = members().find(t.target);
    if (!m || !m->voter || t.target == self_)
      refused = "the successor is not another voter";
    else if (e.deadline <= now_)
      refused = "the deadline has passed";
  }
  if (refused) {
    out_->outcomes.push_back({e.context, outcome_status::surely_not, {}, refused, change_error::none});
    return;
  }
  begin_transfer(std::move(t));
}

void core::begin_transfer(active_transfer t) {
  if (leading()->transfer)
    end_transfer(outcome_status::surely_not, "overtaken by a change of membership");
  drop_lease(); // before anybody is named
  leading()->transfer = std::move(t);
  push_transfer();
}

void core::push_transfer() {
  leader_role& lead = *leading();
  active_transfer& t = *lead.transfer;
  if (t.lease_released && promises_.term == state_.term)
    promises_.answered.reset(); // the own lease binds nobody any more
  progress* p = lead.find(t.target);
  if (!p) {
    if (t.leave_after)
      t.target = best_successor();
    return;
  }
  if (p->match < log_.last_index()) {
    replicate_to(*p);
    return;
  }
  if (t.last_sent != instant{} && now_ - t.last_sent < resend_interval)
    return;
  t.last_sent = now_;
  send(t.target, timeout_now{lead.handover_epoch, t.lease_released});
}

/// The successor may already have been told. Raising the epoch makes voters that hear it refuse the forced
/// vote, and the lease only counts rounds of the new epoch: it cannot come back while the order still works.
void core::end_transfer(outcome_status status, const char* reason) {
  leader_role& lead = *leading();
  if (!lead.transfer)
    return;
  const active_transfer done = *lead.transfer;
  lead.transfer.reset();
  ++lead.handover_epoch;
  if (done.has_context)
    out_->outcomes.push_back({done.context, status, {}, reason, change_error::none});
  if (done.leave_after && status != outcome_status::committed) {
    const bool gone = members().is_removed(self_);
    resign("no longer a voter");
    if (gone)
      become_removed("removed from the cluster");
  }
}

/// The most caught-up live voter; among equals one that may become active.
node_id core::best_successor() const {
  const progress* best = nullptr;
  const auto better = [this](const progress& a, const progress& b) {
    if (a.match != b.match)
      return a.match > b.match;
    return !members().find(a.id)->observer && members().find(b.id)->observer;
  };
  for (const progress& p : leading()->peers) {
    const member* m = members().find(p.id);
    if (m && m->voter && !p.recovering && recently_heard(p) && (!best || better(p, *best)))
      best = &p;
  }
  return best ? best->id : node_id{};
}

void core::resign(const char* reason) {
  become_follower(state_.term, node_id{}, reason);
}

/// The disk is useless but the network works: name a successor on the way out, so that nobody waits for an
/// election timeout. What the lease guards is not known to be free.
void core::resign_for_disk(const char* reason) {
  const node_id successor = best_successor();
  const progress* p = leading()->find(successor);
  drop_lease();
  if (p && p->match >= commit_)
    send(successor, timeout_now{leading()->handover_epoch, false});
  resign(reason);
}

} // namespace holdfast::raft
