// Elections: pre-vote (thesis §9.6), vote (§3.4), stickiness (§6.4.1: no vote while a leader is heard).
#include <raft/core.hpp>
#include <raft/quorum.hpp>

#include <algorithm>
#include <cassert>

#ifdef HOLDFAST_UNSAFE_FAULTS
#include <cstdlib>
#include <string_view>
#endif

namespace holdfast::raft {
namespace {

#ifdef HOLDFAST_UNSAFE_FAULTS // only in holdfastd-unsafe, which the checkers of tools/chaos are proven on
bool unsafe_fault(const char* name) {
  const char* wanted = std::getenv("HOLDFAST_UNSAFE");
  return wanted && std::string_view(wanted) == name;
}
#endif

/// Between two quick pre-votes while the leader is proven gone: the others may not have noticed yet.
constexpr duration hurry_retry_min = std::chrono::milliseconds{15};
constexpr duration hurry_retry_max = std::chrono::milliseconds{50};
/// After votes were split. Wide against what one campaign takes where a vote is durable within `quick_disk`;
/// on slower disks it grows with them, or the same members would collide again and again.
constexpr duration split_retry_min = std::chrono::milliseconds{50};
constexpr duration split_retry_max = std::chrono::milliseconds{150};
constexpr duration quick_disk = std::chrono::milliseconds{25};
constexpr std::uint32_t most_doublings = 3;

void record_vote(std::vector<vote_record>& votes, node_id from, bool granted) {
  const bool known =
      std::any_of(votes.begin(), votes.end(), [&](const vote_record& v) { return v.from == from; });
  if (!known)
    votes.push_back({from, granted});
}

vote_result result_of(const config& c, const std::vector<vote_record>& votes) {
  return tally(c, [&](node_id id) -> std::optional<bool> {
    for (const vote_record& v : votes)
      if (v.from == id)
        return v.granted;
    return std::nullopt;
  });
}

} // namespace

void core::reset_election_timer() {
  election_deadline_ = now_ + random_.between(limits_.election_timeout_min, limits_.election_timeout_max);
}

/// By any configuration that may still turn out to be the one in effect: a node that the latest one leaves
/// out may be the only one to hold it, and then nobody else can win (thesis §4.2.2).
bool core::may_still_vote() const {
  for (auto it = configs_.rbegin(); it != configs_.rend(); ++it) {
    if (it->members.is_voter(self_))
      return true;
    if (it->index <= commit_)
      return false;
  }
  return false;
}

/// Nobody else was ever a member, so nobody else can hold a lease that this node forgot.
bool core::always_alone() const {
  return std::all_of(configs_.begin(), configs_.end(), [](const config_record& c) {
    return c.members.members.size() <= 1 && c.members.removed.empty();
  });
}

bool core::may_campaign() const {
  if (removed_ || state_.recovering || !disk_usable() || (incoming_ && incoming_->installing))
    return false;
  if (!may_still_vote())
    return false;
  return members().sole_voter(self_) || now_ >= embargo_until_;
}

/// `late`: how long after its deadline the timer was looked at. A node that slept must first hear what has
/// happened meanwhile before it troubles the others.
void core::election_due(duration late) {
  if (!may_campaign() || (late > limits_.heartbeat_interval && !members().sole_voter(self_))) {
    reset_election_timer();
    election_deadline_ = std::max(election_deadline_, embargo_until_);
    return;
  }
  if (members().sole_voter(self_) && !std::holds_alternative<candidate_role>(role_))
    start_campaign("the only voter", nullptr);
  else
    start_pre_vote("no leader heard");
}

/// The leader is proven gone (its host refused, or its release ticket came): forget stickiness for it, ask
/// the others soon. Those who still hear it will say no.
void core::hurry_election() {
  auto& f = std::get<follower_role>(role_);
  f.leader_gone = true;
  f.hurry_until = now_ + limits_.election_timeout_max;
  const instant soon = now_ + random_.between(duration{0}, limits_.refused_link_delay_max);
  election_deadline_ = std::max(embargo_until_, std::min(election_deadline_, soon));
}

bool core::sticky() const {
  if (leading())
    return true;
  const auto* f = std::get_if<follower_role>(&role_);
  return f && !f->leader.is_nil() && !f->leader_gone && now_ - f->last_heard < limits_.election_timeout_min;
}

void core::start_pre_vote(const char* reason) {
  assert(may_campaign());
  pre_candidate_role next;
  if (const auto* f = std::get_if<follower_role>(&role_)) {
    next.hurry_until = f->hurry_until;
  } else if (const auto* p = std::get_if<pre_candidate_role>(&role_)) {
    next.hurry_until = p->hurry_until;
    next.campaigns = p->campaigns;
  } else if (const auto* c = std::get_if<candidate_role>(&role_)) {
    next.hurry_until = c->hurry_until;
    next.campaigns = c->campaigns;
  }
  fail_forwarded("the leader is lost");
  const instant hurry_until = next.hurry_until;
  next.votes.push_back({self_, true});
  role_ = std::move(next);
  reset_election_timer();
  if (now_ < hurry_until)
    election_deadline_ = now_ + random_.between(hurry_retry_min, hurry_retry_max);
  report_role(reason);
  vote_request ask;
  ask.pre = true;
  ask.asked_term = state_.term.next();
  ask.last_index = log_.last_index();
  ask.last_term = log_.last_term();
  for (const member& m : members().members)
    if (m.votes() && m.id != self_)
      send_answer(m.id, ask);
  count_votes();
}

/// `order`: the leader of this term told this node to take over.
void core::start_campaign(const char* reason, const timeout_now* order) {
  const term_t from_term = state_.term;
  candidate_role next;
  next.votes.push_back({self_, true});
  next.began = now_;
  if (const auto* p = std::get_if<pre_candidate_role>(&role_)) {
    next.hurry_until = p->hurry_until;
    next.campaigns = p->campaigns;
  }
  if (order == nullptr) // an order that is given up is not given again
    next.retry =
        ties_.between(split_retry_min, split_retry_max) * (1 << std::min(next.campaigns, most_doublings));
  ++next.campaigns;
  if (order && order->lease_released)
    next.released_term = from_term;
  add_claims(next, promises_.term, promise_remaining(promises_.answered),
             promise_remaining(promises_.answered_older));
  if (now_ < embargo_until_ && !always_alone())
    next.claims.push_back(
        {term_t{}, embargo_until_}); // a sole voter need not wait to lead, but to take the lease
  fail_forwarded("an election started");
  set_state(state_.term.next(), self_);
  role_ = std::move(next);
  reset_election_timer();
  report_role(reason);
  vote_request ask;
  ask.asked_term = state_.term;
  ask.last_index = log_.last_index();
  ask.last_term = log_.last_term();
  if (order) {
    ask.forced = true;
    ask.handover_term = from_term;
    ask.handover_epoch = order->handover_epoch;
  }
  // Only once the own vote is durable: a candidate that forgets this term could collect its votes a second
  // time with another log.
  for (const member& m : members().members)
    if (m.votes() && m.id != self_)
      send_durably(m.id, ask);
}

/// Whether a vote request of a newer term is refused without even taking the term.
bool core::refuses_term(const message& m, const vote_request& b) const {
  if (now_ < embargo_until_ || taken_back(b))
    return true;
  if (!sticky())
    return false;
  if (!b.forced)
    return true;
  // A handover overrides stickiness for the leader that ordered it.
  if (leading())
    return !leading()->transfer || leading()->transfer->target != m.from || b.handover_term != state_.term ||
           b.handover_epoch != leading()->handover_epoch;
  return b.handover_term < state_.term;
}

/// The leader that ordered this candidacy has since taken the order back, and may hold its lease again,
/// whatever the candidate believes of it. True whether or not this node still hears that leader.
bool core::taken_back(const vote_request& b) const {
  return b.forced && handover_.term == b.handover_term && handover_.epoch > b.handover_epoch;
}

bool core::grants(const message& m, const vote_request& b) const {
#ifdef HOLDFAST_UNSAFE_FAULTS
  if (unsafe_fault("double-vote"))
    return b.pre ? b.asked_term > state_.term : b.asked_term == state_.term && leader().is_nil();
#endif
  if (state_.recovering || now_ < embargo_until_ || taken_back(b))
    return false;
  const bool log_is_current = b.last_term > log_.last_term() ||
                              (b.last_term == log_.last_term() && b.last_index >= log_.last_index());
  if (!log_is_current)
    return false;
  if (b.pre)
    return b.asked_term > state_.term && !sticky();
  return b.asked_term == state_.term && leader().is_nil() && (state_.vote.is_nil() || state_.vote == m.from);
}

void core::answer_vote(const message& m, const vote_request& b, bool granted) {
  vote_response answer;
  answer.pre = b.pre;
  answer.granted = granted;
  answer.asked_term = b.asked_term;
  if (granted && !b.pre) {
    answer.lease_remaining = promise_remaining(promises_.answered);
    answer.lease_term = promises_.term;
    answer.older_lease_remaining = promise_remaining(promises_.answered_older);
    send_durably(m.from, answer);
    return;
  }
  send_answer(m.from, answer);
}

/// Two that noticed at the same moment split the votes; that must not cost a whole timeout. What one campaign
/// takes is mostly the disks of those who vote, and those are taken to be like this one.
void core::own_vote_is_durable() {
  auto& c = std::get<candidate_role>(role_);
  if (c.retry == duration{0} || durable_state_.term != state_.term || durable_state_.vote != self_)
    return;
  const auto slower = std::max<std::int64_t>(1, (now_ - c.began) / quick_disk);
  election_deadline_ = std::min(election_deadline_, now_ + c.retry * slower);
  c.retry = duration{0};
}

/// Whoever was given a pre-vote campaigns next: stand back once, instead of splitting the votes of those who
/// noticed a moment later. Of two that ask one another the one with the lower id does.
void core::yield_to(node_id candidate) {
  if (yielded_)
    return;
  if (auto* p = std::get_if<pre_candidate_role>(&role_)) {
    if (candidate < self_)
      return;
    p->yields = true;
  } else if (!std::holds_alternative<follower_role>(role_)) {
    return;
  }
  yielded_ = true;
  election_deadline_ = std::max(election_deadline_, now_ + ties_.between(split_retry_min, split_retry_max));
}

void core::on(const message& m, const vote_request& b) {
  const bool granted = grants(m, b);
  if (granted && b.pre)
    yield_to(m.from);
  if (granted && !b.pre) {
    if (state_.vote.is_nil())
      set_state(state_.term, m.from);
    reset_election_timer();
  }
  answer_vote(m, b, granted);
}

void core::on(const message& m, const vote_response& b) {
  if (b.pre) {
    auto* p = std::get_if<pre_candidate_role>(&role_);
    if (p && b.asked_term == state_.term.next()) {
      record_vote(p->votes, m.from, b.granted);
      count_votes();
    }
    return;
  }
  auto* c = std::get_if<candidate_role>(&role_);
  if (!c || b.asked_term != state_.term)
    return;
  record_vote(c->votes, m.from, b.granted);
  if (b.granted)
    add_claims(*c, b.lease_term, b.lease_remaining, b.older_lease_remaining);
  count_votes();
}

void core::count_votes() {
  if (const auto* p = std::get_if<pre_candidate_role>(&role_)) {
    if (!p->yields && result_of(members(), p->votes) == vote_result::won && may_campaign())
      start_campaign("pre-vote won", nullptr);
    return; // lost or pending: the timer asks again, with a new draw
  }
  const auto* c = std::get_if<candidate_role>(&role_);
  const bool own_vote_durable = durable_state_.term == state_.term && durable_state_.vote == self_;
  if (c && own_vote_durable && result_of(members(), c->votes) == vote_result::won)
    become_leader();
}

void core::on(const message& m, const timeout_now& b) {
  const auto* f = std::get_if<follower_role>(&role_);
  if (!f || f->leader != m.from || !may_campaign())
    return;
  if (handover_.term == m.term && handover_.epoch > b.handover_epoch)
    return; // taken back meanwhile
  start_campaign("told to take over", &b);
}

void core::become_leader() {
  auto won = std::get<candidate_role>(std::move(role_));
  leader_role lead;
  lead.elected_at = now_;
  lead.claims = std::move(won.claims);
  lead.first_own = log_.last_index().next();
  for (index_t i = commit_.next(); i <= log_.last_index(); i = i.next())
    if (log_.resident(i))
      lead.uncommitted_bytes += payload_size(log_.at(i));
  role_ = std::move(lead);
  outcome_deadline_.reset();
  sync_peers();
  report_role("won the election");
  append_local(kind_noop, nullptr);
  start_round();
  replicate_all();
  advance_commit();
}

/// A message that only the leader of this term sends. False: the message must be dropped.
bool core::leader_heard(const message& m, std::uint64_t handover_epoch) {
  assert(m.term == state_.term);
  if (leading()) {
    fail("two leaders in one term");
    return false;
  }
  auto* f = std::get_if<follower_role>(&role_);
  if (f && !f->leader.is_nil() && f->leader != m.from) {
    fail("two leaders in one term");
    return false;
  }
  if (!f || f->leader.is_nil())
    become_follower(state_.term, m.from, "leader heard");
  auto& follower = std::get<follower_role>(role_);
  follower.last_heard = now_;
  follower.leader_gone = false;
  follower.hurry_until = {};
  yielded_ = false;
  reset_election_timer();
  note_promise(state_.term, now_);
  if (handover_.term != m.term)
    handover_ = {m.term, handover_epoch};
  else
    handover_.epoch = std::max(handover_.epoch, handover_epoch);
  return true;
}

} // namespace holdfast::raft
