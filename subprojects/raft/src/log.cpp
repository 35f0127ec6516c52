// The follower's side of replication (thesis §3.5), and what every role does once entries are committed.
#include <raft/codec.hpp>
#include <raft/core.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {

void core::on(const message& m, const append_request& b) {
  if (!well_formed(m, b)) {
    ++dropped_.malformed;
    return;
  }
  if (!leader_heard(m, b.handover_epoch))
    return;
  if (incoming_ && incoming_->installing)
    return; // the log is about to be replaced
  if (disk_full_ && !b.entries.empty())
    return;
  recovery_contact(b.leader_last, false);
  // A log from its very first entry on brings the first configuration with it; anything else needs a
  // snapshot.
  const bool from_the_start =
      b.prev_index == index_t{} && (b.entries.empty() || b.entries.front().kind == kind_config);
  if (blank() && !from_the_start) {
    append_response answer;
    answer.rejected = true;
    answer.needs_snapshot = true;
    answer.recovering = state_.recovering;
    answer.match = b.prev_index;
    send_answer(m.from, answer);
    return;
  }
  // What is committed here is in every leader's log; it needs no check and may be long compacted.
  const bool known = b.prev_index <= commit_ || log_.term_at(b.prev_index) == b.prev_term;
  if (!known) {
    reject_append(m, b);
    return;
  }
  accept_entries(b);
  if (!fatal_.empty())
    return;
  append_response answer;
  answer.match = std::max(index_t{b.prev_index.value + b.entries.size()}, std::min(commit_, b.leader_last));
  answer.recovering = state_.recovering;
  verified_ = std::max(verified_, answer.match);
  commit_to(std::min(b.commit, answer.match));
  if (durable_ >= answer.match && durable_state_.term == state_.term)
    send(m.from, answer);
  else
    send_durably(m.from, answer);
}

bool core::well_formed(const message& m, const append_request& b) const {
  if (b.entries.size() > limits_.max_append_entries)
    return false;
  index_t expected = b.prev_index.next();
  term_t at_least = b.prev_term;
  for (const entry& e : b.entries) {
    if (e.index != expected || e.term < at_least || e.term > m.term || e.term == term_t{})
      return false;
    expected = expected.next();
    at_least = e.term;
  }
  return true;
}

void core::accept_entries(const append_request& b) {
  for (const entry& e : b.entries) {
    if (e.index <= commit_)
      continue;
    if (e.index <= log_.last_index()) {
      if (log_.term_at(e.index) == e.term)
        continue;
      truncate_log(e.index);
    }
    config decoded_config;
    if (e.kind == kind_config) {
      auto decoded = decode_config(e.payload ? *e.payload : std::string{}, limits_);
      if (!std::holds_alternative<config>(decoded)) {
        fail("a configuration entry from the leader cannot be decoded");
        return;
      }
      decoded_config = std::get<config>(std::move(decoded));
    } else if (e.kind != kind_noop && e.kind < first_application_kind) {
      fail("an entry of a kind this version does not know"); // skipping it would part the state machines
      return;
    }
    log_.append(e);
    persist_entry(e);
    if (e.kind == kind_config)
      take_config(e.index, std::move(decoded_config));
  }
}

void core::reject_append(const message& m, const append_request& b) {
  append_response answer;
  answer.rejected = true;
  answer.recovering = state_.recovering;
  answer.match = b.prev_index;
  // Skip whole terms instead of single entries (thesis §3.5, last part).
  answer.hint_index = log_.last_index_with_term_at_most(b.prev_index.previous(), b.prev_term);
  answer.hint_term = log_.term_at(answer.hint_index).value_or(term_t{});
  send_answer(m.from, answer);
}

void core::truncate_log(index_t from) {
  if (from <= commit_) {
    fail("a leader asks to overwrite committed entries");
    return;
  }
  log_.truncate_from(from);
  const index_t keep = from.previous();
  durable_ = std::min(durable_, keep);
  verified_ = std::min(verified_, keep);
  for (pending_persist& p : persists_)
    p.last = std::min(p.last, keep);
  persist_request& request = open_persist();
  const bool only_in_this_request = !request.entries.empty() && request.entries.front().index <= from;
  while (!request.entries.empty() && request.entries.back().index >= from)
    request.entries.pop_back();
  if (!only_in_this_request)
    request.truncate_from = request.truncate_from ? std::min(*request.truncate_from, from) : from;
  // Acknowledgements of what is no longer written must not leave with this request.
  std::erase_if(out_->send_after_persist, [&](const message& m) {
    const auto* ack = std::get_if<append_response>(&m.body);
    return ack && !ack->rejected && ack->match >= from;
  });
  revert_configs(from);
}

void core::commit_to(index_t index) {
  index = std::min(index, log_.last_index());
  if (index <= commit_)
    return;
  if (leader_role* lead = leading())
    for (index_t i = commit_.next(); i <= index; i = i.next())
      if (log_.resident(i))
        lead->uncommitted_bytes -= std::min<std::uint64_t>(lead->uncommitted_bytes, payload_size(log_.at(i)));
  commit_ = index;
  out_->commit = commit_;
  resolve_proposals();
  configs_committed();
}

/// Whatever became of a proposal, its index and term tell: committed when the entry at its index carries its
/// term, surely not when another entry was committed there.
void core::resolve_proposals() {
  while (!proposals_.empty() && proposals_.front().index <= commit_) {
    const pending_proposal& p = proposals_.front();
    proposal_outcome outcome;
    outcome.context = p.context;
    outcome.index = p.index;
    const auto term = log_.term_at(p.index);
    if (!term) {
      outcome.status = outcome_status::unknown;
      outcome.reason = "covered by a snapshot of another leader";
    } else if (*term == p.term) {
      outcome.status = outcome_status::committed;
    } else {
      outcome.status = outcome_status::surely_not;
      outcome.reason = "another leader's entry was committed in its place";
    }
    out_->outcomes.push_back(outcome);
    proposals_.pop_front();
  }
  if (proposals_.empty())
    outcome_deadline_.reset();
}

void core::expire_proposals() {
  if (!outcome_deadline_ || now_ < *outcome_deadline_)
    return;
  for (const pending_proposal& p : proposals_)
    out_->outcomes.push_back(
        {p.context, outcome_status::unknown, p.index, "leadership was lost on the way", change_error::none});
  proposals_.clear();
  outcome_deadline_.reset();
}

void core::hand_out_entries() {
  const bool log_gives_way = incoming_ && incoming_->installing;
  while (handed_out_ < commit_ && !apply_read_pending_ && !log_gives_way) {
    const std::uint64_t ahead = handed_out_.value - applied_.value;
    if (ahead >= limits_.max_apply_ahead_entries)
      return;
    const index_t first = handed_out_.next();
    const index_t last =
        std::min(commit_, index_t{handed_out_.value + limits_.max_apply_ahead_entries - ahead});
    if (!log_.resident(first)) {
      // No further: what is in memory may still be on its way to the disk, in the place of other entries
      // there.
      const index_t on_disk = std::min(last, log_.first_resident().previous());
      out_->read_log.push_back({node_id{}, first, on_disk, limits_.max_disk_read_bytes});
      apply_read_pending_ = true;
      return;
    }
    for (index_t i = first; i <= last; i = i.next())
      out_->apply.push_back(log_.at(i));
    handed_out_ = last;
  }
}

void core::log_for_apply(const ev::log_entries& e) {
  apply_read_pending_ = false;
  if (e.first != handed_out_.next() || (incoming_ && incoming_->installing))
    return; // a snapshot overtook the read
  if (e.entries.empty()) {
    fail("committed entries cannot be read back from the log");
    return;
  }
  for (const entry& x : e.entries) {
    if (x.index != handed_out_.next() || x.index > commit_)
      return;
    if (log_.term_at(x.index) != x.term) {
      fail("the log on disk differs from what was written");
      return;
    }
    out_->apply.push_back(x);
    handed_out_ = x.index;
  }
}

void core::trim_memory() {
  log_.evict(limits_.log_memory_bytes, std::min(durable_, applied_));
}

} // namespace holdfast::raft
