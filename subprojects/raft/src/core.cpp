#include <raft/core.hpp>

#include <raft/codec.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

core::core(boot b)
    : self_{b.self}, cluster_{b.cluster}, limits_{b.lim}, random_{b.seed}, ties_{~b.seed}, now_{b.now},
      state_{b.state}, durable_state_{b.state}, snapshot_{std::move(b.snapshot)},
      log_{b.log_base, b.log_base_term}, boot_term_{b.state.term} {
  fatal_ = limits_.violation();
  configs_.push_back({snapshot_.index, snapshot_.members});
  for (const entry& e : b.log) {
    if (e.index != log_.last_index().next() || e.term < log_.last_term() || e.term > state_.term) {
      fail("the log on disk is not contiguous or has terms beyond the stored one");
      break;
    }
    if (e.kind != kind_noop && e.kind != kind_config && e.kind < first_application_kind) {
      fail("the log on disk has an entry of a kind this version does not know"); // written by a newer one
      break;
    }
    log_.append(e);
    if (e.kind != kind_config || e.index <= snapshot_.index)
      continue;
    auto decoded = decode_config(e.payload ? *e.payload : std::string{}, limits_);
    if (!std::holds_alternative<config>(decoded)) {
      fail("a configuration entry on disk cannot be decoded");
      break;
    }
    configs_.push_back({e.index, std::get<config>(std::move(decoded))});
  }
  applied_ = handed_out_ = std::max(b.applied, snapshot_.index);
  durable_ = log_.last_index();
  commit_ = std::max(applied_, std::min(b.commit, durable_));
  if (fatal_.empty() && (commit_ > durable_ || log_.base_index() > snapshot_.index))
    fail("the log on disk does not reach from the snapshot to what was applied");
  committed_config_ = committed_config().index;
  removed_ = committed_config().members.is_removed(self_);
  forwarded_.session = random_.next();
  recovery_mark_ = forwarded_.session | 1U;
  // A vote or an answered heartbeat of the life before may be forgotten: the lease it supported must end
  // first.
  embargo_until_ = boot_term_ == term_t{} ? now_ : now_ + limits_.election_timeout_min;
  reset_election_timer();
  trim_memory();
}

output core::step(const event& e) {
  output out;
  step(e, out);
  return out;
}

void core::step(const event& e, output& out) {
  out_ = &out;
  if (fatal_.empty())
    advance_time(e.now);
  if (fatal_.empty())
    std::visit([this](const auto& body) { handle(body); }, e.body);
  if (fatal_.empty())
    settle();
  if (!fatal_.empty())
    out.fatal = fatal_;
  out_ = nullptr;
}

/// Everything that is due by time alone comes before the event, so that no event is answered on the strength
/// of a leadership that time has already ended.
void core::advance_time(instant now) {
  const instant before = now_;
  now_ = std::max(now_, now);
  check_disk();
  if (leading())
    leader_timers(now_ - before >= limits_.lease_length);
  else if (now_ >= election_deadline_ ||
           (members().sole_voter(self_) && std::holds_alternative<follower_role>(role_)))
    election_due(now_ - std::max(before, election_deadline_));
  expire_proposals();
  expire_reads();
}

/// What follows from the event, whatever it was.
void core::settle() {
  if (leading()) {
    leave_joint_when_due();
    push_reads();
    spread_commit();
  }
  finish_recovery();
  hand_out_entries();
  trim_memory();
}

void core::handle(const ev::receive& e) {
  const message& m = e.msg;
  if (!addressed_here(m))
    return;
  if (removed_) {
    if (std::holds_alternative<removed_notice>(m.body))
      send(m.from, removed_ack{});
    return;
  }
  const bool notice =
      std::holds_alternative<removed_notice>(m.body) || std::holds_alternative<removed_ack>(m.body);
  const bool my_leader = m.term == state_.term && m.from == leader(); // may be finishing its own removal
  if (!notice && !my_leader && committed_config().members.is_removed(m.from)) {
    // A removed node that does not know it yet must not disturb anybody (REM-07).
    send(m.from, removed_notice{committed_config().index});
    return;
  }
  if (!notice && !settle_term(m))
    return;
  std::visit([&](const auto& body) { on(m, body); }, m.body);
}

bool core::addressed_here(const message& m) {
  if (m.version != protocol_version)
    ++dropped_.wrong_version;
  else if (m.cluster != cluster_)
    ++dropped_.wrong_cluster;
  else if (m.to != self_)
    ++dropped_.wrong_receiver;
  else if (m.from == self_ || m.from.is_nil())
    ++dropped_.malformed;
  else
    return true;
  return false;
}

/// Terms first (thesis §3.3): a newer one makes this node a follower, an older message is answered or
/// dropped. False: the message needs no more.
bool core::settle_term(const message& m) {
  const auto* vote = std::get_if<vote_request>(&m.body);
  if (m.term > state_.term) {
    if (vote && vote->pre)
      return true; // a pre-vote changes nobody's term
    if (vote && refuses_term(m, *vote)) {
      answer_vote(m, *vote, false);
      return false;
    }
    const bool from_leader = std::holds_alternative<append_request>(m.body) ||
                             std::holds_alternative<heartbeat>(m.body) ||
                             std::holds_alternative<snapshot_offer>(m.body);
    become_follower(m.term, from_leader ? m.from : node_id{}, "newer term");
    return true;
  }
  if (m.term < state_.term && !std::holds_alternative<vote_response>(m.body)) {
    answer_stale(m);
    return false;
  }
  return true;
}

/// Tells a sender that is behind, so that a deposed leader or a hopeless candidate stops. It says nothing of
/// the round that is answered: who sent it may lead again by now, in this term, and would take it for an
/// answer to its new round of that number.
void core::answer_stale(const message& m) {
  if (const auto* vote = std::get_if<vote_request>(&m.body))
    answer_vote(m, *vote, false);
  else if (std::holds_alternative<heartbeat>(m.body) || std::holds_alternative<append_request>(m.body) ||
           std::holds_alternative<snapshot_offer>(m.body))
    send_answer(m.from, heartbeat_answer(0));
}

void core::handle(const ev::applied& e) {
  applied_ = std::max(applied_, std::min(e.index, handed_out_));
}

void core::handle(const ev::link_refused& e) {
  if (const auto* f = std::get_if<follower_role>(&role_); f && f->leader == e.peer && !e.peer.is_nil())
    hurry_election();
}

void core::handle(const ev::link_up& e) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(e.peer) : nullptr;
  if (!p)
    return;
  if (p->state == progress_state::snapshot) {
    offer_snapshot(*p);
    return;
  }
  p->become_probe();
  replicate_to(*p);
}

void core::handle(const ev::link_down& e) {
  leader_role* lead = leading();
  progress* p = lead ? lead->find(e.peer) : nullptr;
  if (!p || p->state == progress_state::snapshot)
    return;
  p->become_probe();
  p->probe_pending = true; // until the link is up, or the retry interval has passed
  p->last_sent = now_;
}

void core::handle(const ev::release_ticket& e) {
  if (leading() && e.term == state_.term)
    return; // the holder of this lease is this living process: no such ticket can be true
  if (!has_ticket(e.term)) {
    promises_.tickets.push_back(e.term);
    if (constexpr std::size_t kept = 8; promises_.tickets.size() > kept)
      promises_.tickets.erase(promises_.tickets.begin());
  }
  if (promises_.term == e.term)
    promises_.answered.reset();
  if (leader_role* lead = leading()) {
    std::erase_if(lead->claims, [&](const lease_claim& c) { return c.term == e.term; });
    return;
  }
  if (const auto* f = std::get_if<follower_role>(&role_); f && e.term == state_.term && !f->leader.is_nil())
    hurry_election();
}

void core::become_follower(term_t term, node_id leader, const char* reason) {
  assert(term >= state_.term);
  leave_role(reason);
  if (term > state_.term)
    set_state(term, node_id{});
  const auto* old = std::get_if<follower_role>(&role_);
  if (old && old->leader != leader)
    fail_forwarded("the leader changed");
  const bool was_leader = leading() != nullptr;
  role_ = follower_role{leader, now_, false, {}};
  if (was_leader)
    reset_election_timer();
  report_role(reason);
}

/// Ends what belongs to a leadership: nobody may be left waiting for a leader that is none.
void core::leave_role(const char* reason) {
  if (!leading())
    return;
  end_transfer(outcome_status::committed, "leadership moved on");
  drop_lease();
  fail_reads(reason);
  leader_role& lead = *leading();
  if (lead.change_context)
    out_->outcomes.push_back({*lead.change_context, outcome_status::unknown, {}, reason, change_error::none});
  lead.change_context.reset();
  if (!proposals_.empty())
    outcome_deadline_ = now_ + limits_.outcome_wait;
}

void core::report_role(const char* reason) {
  out_->roles.push_back({current_role(), state_.term, leader(), reason});
}

void core::fail(std::string reason) {
  if (fatal_.empty())
    fatal_ = std::move(reason);
}

role core::current_role() const {
  if (removed_)
    return role::removed;
  if (leading())
    return role::leader;
  if (state_.recovering)
    return role::recovering;
  if (std::holds_alternative<candidate_role>(role_))
    return role::candidate;
  if (std::holds_alternative<pre_candidate_role>(role_))
    return role::pre_candidate;
  return members().is_voter(self_) ? role::follower : role::learner;
}

node_id core::leader() const {
  if (leading())
    return self_;
  const auto* f = std::get_if<follower_role>(&role_);
  return f ? f->leader : node_id{};
}

core_status core::status() const {
  core_status s;
  s.self = self_;
  s.what = current_role();
  s.term = state_.term;
  s.vote = state_.vote;
  s.leader = leader();
  s.commit = commit_;
  s.applied = applied_;
  s.durable = durable_;
  s.last = log_.last_index();
  s.log_first = log_.first_index();
  s.recovering = state_.recovering;
  s.removed = removed_;
  s.disk_stalled = !disk_usable();
  s.transferring = leading() && leading()->transfer.has_value();
  return s;
}

std::vector<peer_status> core::peers() const {
  std::vector<peer_status> rows;
  if (!leading())
    return rows;
  for (const progress& p : leading()->peers) {
    peer_status row;
    row.id = p.id;
    row.state = p.state;
    row.match = p.match;
    row.next = p.next;
    row.last_heard = p.last_heard;
    row.behind = log_.last_index().value - std::min(p.match.value, log_.last_index().value);
    row.recovering = p.recovering;
    if (p.snapshot)
      row.snapshot_stored = p.snapshot->stored;
    rows.push_back(row);
  }
  return rows;
}

instant core::next_deadline() const {
  instant next = election_deadline_;
  if (const leader_role* lead = leading()) {
    next = lead->next_heartbeat;
    if (lead->transfer)
      next = std::min(next, lead->transfer->deadline);
    if (lead->lease_until)
      next = std::min(next, *lead->lease_until);
  } else if (members().sole_voter(self_) && std::holds_alternative<follower_role>(role_) && may_campaign()) {
    next = now_;
  }
  if (outcome_deadline_)
    next = std::min(next, *outcome_deadline_);
  if (!persists_.empty() && !stalled_)
    next = std::min(next, persists_.front().issued + limits_.disk_stall_limit);
  return next;
}

} // namespace holdfast::raft
