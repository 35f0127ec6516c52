// Membership changes (thesis §4). A configuration counts from the moment it is in the log. Changes of the
// voter set pass through a joint configuration, which the leader leaves by itself as soon as it is committed.
#include <raft/codec.hpp>
#include <raft/core.hpp>
#include <raft/quorum.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

const core::config_record& core::committed_config() const {
  for (auto it = configs_.rbegin(); it != configs_.rend(); ++it)
    if (it->index <= commit_)
      return *it;
  return configs_.front();
}

const config* core::members_at(index_t index) const {
  for (auto it = configs_.rbegin(); it != configs_.rend(); ++it)
    if (it->index <= index)
      return &it->members;
  return nullptr;
}

void core::begin_catch_up(progress& p) const {
  p.round_end = log_.last_index();
  p.round_began = now_;
  p.round_was_short = false;
}

void core::note_catch_up(progress& p) const {
  if (p.match < p.round_end)
    return;
  const bool in_time = p.match >= log_.last_index() || now_ - p.round_began < limits_.election_timeout_min;
  begin_catch_up(p);
  p.round_was_short = in_time;
}

bool core::caught_up(const progress& p) const {
  return p.round_was_short &&
         (p.match >= log_.last_index() || now_ - p.round_began < limits_.election_timeout_min);
}

change_error core::check_change(const membership_change& c, config& next) const {
  const leader_role& lead = *leading();
  // The first entry of the own term must be committed before any change: without it two leaders could each
  // work with a configuration the other has not seen.
  if (commit_ < lead.first_own || members_index() > commit_ || members().joint || lead.transfer)
    return change_error::busy;
  auto result = apply_change(members(), c, limits_);
  if (const auto* error = std::get_if<change_error>(&result))
    return *error;
  next = std::get<config>(std::move(result));
  if (c.kind == change_kind::promote) {
    const progress* p = lead.find(c.id);
    const bool near = p && p->match.value + limits_.catch_up_entries >= log_.last_index().value;
    if (!near || !caught_up(*p) || p->recovering || !recently_heard(*p) ||
        p->state == progress_state::snapshot)
      return change_error::not_caught_up;
  }
  const bool takes_vote = next.joint && c.kind != change_kind::promote;
  if (takes_vote && !c.force &&
      !has_quorum(leave_joint(next, limits_), [this](node_id id) { return alive(id); }))
    return change_error::would_lose_quorum;
  return change_error::none;
}

void core::handle(const ev::change_members& e) {
  proposal_outcome refused;
  refused.context = e.context;
  refused.status = outcome_status::surely_not;
  leader_role* lead = leading();
  if (!lead) {
    refused.reason = "not the leader";
    out_->outcomes.push_back(refused);
    return;
  }
  config next;
  refused.change = check_change(e.change, next);
  if (refused.change != change_error::none) {
    refused.reason = to_string(refused.change);
    out_->outcomes.push_back(refused);
    return;
  }
  if (next.joint)
    lead->change_context = e.context; // answered when the joint phase is over
  else
    proposals_.push_back({e.context, log_.last_index().next(), state_.term});
  append_config(next);
}

index_t core::append_config(const config& c) {
  const index_t index = append_local(kind_config, std::make_shared<const std::string>(encode_config(c)));
  take_config(index, c);
  replicate_all();
  return index;
}

void core::take_config(index_t index, config c) {
  assert(configs_.back().index < index);
  out_->configs.push_back({c, index, false});
  configs_.push_back({index, std::move(c)});
  if (leading())
    sync_peers();
}

void core::revert_configs(index_t from) {
  if (configs_.back().index < from)
    return;
  while (configs_.size() > 1 && configs_.back().index >= from)
    configs_.pop_back();
  out_->configs.push_back({configs_.back().members, configs_.back().index, configs_.back().index <= commit_});
}

void core::sync_peers() {
  leader_role& lead = *leading();
  std::erase_if(lead.peers, [this](const progress& p) { return !members().find(p.id); });
  for (const member& m : members().members) {
    if (m.id == self_ || lead.find(m.id))
      continue;
    progress p;
    p.id = m.id;
    p.next = log_.last_index().next();
    p.last_heard = now_; // a fresh leader gives everybody one election timeout to answer
    p.last_ack = now_;
    p.inflight.reset(limits_.max_inflight_appends);
    begin_catch_up(p);
    lead.peers.push_back(std::move(p));
  }
}

void core::configs_committed() {
  const config_record current = committed_config();
  if (current.index <= committed_config_)
    return;
  const config before = *members_at(committed_config_);
  committed_config_ = current.index;
  out_->configs.push_back({current.members, current.index, true});
  if (leading())
    start_departing(before, current.members);
  if (!current.members.is_removed(self_) && members().find(self_))
    if (!leading() || members().is_voter(self_) || members_index() > commit_)
      return;
  if (current.members.joint || members_index() > commit_)
    return;
  if (leading()) {
    // It led to the end of a change that takes its own vote; hand over, so that nobody waits for a timeout.
    active_transfer t;
    t.target = best_successor();
    t.deadline = now_ + limits_.election_timeout_min;
    t.leave_after = true;
    begin_transfer(std::move(t));
  } else if (current.members.is_removed(self_)) {
    become_removed("removed from the cluster");
  }
}

/// Runs after every event, so a leader elected in the middle of a change finishes it too.
void core::leave_joint_when_due() {
  leader_role& lead = *leading();
  if (!members().joint || members_index() > commit_ || commit_ < lead.first_own)
    return;
  const auto context = lead.change_context;
  lead.change_context.reset();
  if (context)
    proposals_.push_back({*context, log_.last_index().next(), state_.term});
  append_config(leave_joint(members(), limits_));
  advance_commit();
}

void core::start_departing(const config& before, const config& after) {
  for (const member& m : before.members)
    if (m.id != self_ && !after.find(m.id))
      leading()->departing.push_back({m.id, now_ + limits_.removed_notice_duration, {}});
  notify_departing();
}

/// A removed peer hears of it until it confirms or the time is up; whoever asks later is told too.
void core::notify_departing() {
  auto& departing = leading()->departing;
  std::erase_if(departing, [this](const departing_peer& d) { return now_ >= d.until; });
  for (departing_peer& d : departing) {
    const bool first = d.last_sent == instant{};
    if (!first && now_ - d.last_sent < limits_.heartbeat_interval)
      continue;
    d.last_sent = now_;
    send(d.id, removed_notice{committed_config_});
  }
}

void core::on(const message& m, const removed_notice&) {
  // Ids are single-use, so a removal that was committed once holds for ever, however old the message.
  send(m.from, removed_ack{});
  become_removed("told that this node was removed");
}

void core::on(const message& m, const removed_ack&) {
  if (leader_role* lead = leading())
    std::erase_if(lead->departing, [&](const departing_peer& d) { return d.id == m.from; });
}

void core::become_removed(const char* reason) {
  if (removed_)
    return;
  if (leading())
    become_follower(state_.term, node_id{}, reason);
  fail_forwarded(reason);
  removed_ = true;
  role_ = follower_role{};
  out_->removed = true;
  report_role(reason);
}

} // namespace holdfast::raft
