// What the core wants done, in the order its output documents. Each step says why it stands where it stands.
#include "actors/consensus/consensus_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace holdfast::consensus {

namespace {

/// Long enough for the next entry of a busy client to take the news along, too short for anybody to miss it.
constexpr auto news_delay = std::chrono::milliseconds(2);

} // namespace

void consensus_impl::flush() {
  flush_pending_ = false;
  if (dead_ || !core_)
    return;
  if (!out_.fatal.empty())
    return fail(out_.fatal);
  raft::output out = std::exchange(out_, {});
  send_messages(out.send_now);
  persist(out);
  report_outcomes(out);
  hand_entries_to_replay(out);
  report_reads(out);
  note_configs(out);
  note_roles(out);
  if (out.lease || !out.roles.empty())
    tell_lease();
  fetch_from_disk(out);
  move_snapshots(out);
}

// First, since they promise nothing: a follower can write the same entries while this node's disk is still
// busy.
void consensus_impl::send_messages(const std::vector<raft::message>& messages) {
  for (const auto& message : messages) {
    if (!commit_news_.hold(message)) {
      if (const auto earlier = commit_news_.overtaken_by(message))
        send_message(*earlier);
      send_message(message);
    } else if (!std::exchange(news_pending_, true)) {
      delayed_send(this, news_delay, news_atom::value);
    }
  }
}

void consensus_impl::send_message(const raft::message& message) {
  const auto peer = peers_.find(message.to);
  if (peer == peers_.end())
    return; // as good as lost on the way
  send(caf::actor_cast<msg::peer_actor>(peer->second), msg::frame_atom::value,
       std::make_shared<const std::string>(raft::encode(message)));
}

void consensus_impl::tell_commit_news() {
  news_pending_ = false;
  for (const auto& message : commit_news_.take())
    send_message(message);
}

// The disk works on its own thread while this actor goes on; what depends on it waits in held_ or inside the
// core.
void consensus_impl::persist(raft::output& out) {
  if (!out.persist.empty()) {
    issued_ = out.persist.sequence;
    send(log_writer_, msg::persist_atom::value,
         std::make_shared<const raft::persist_request>(std::move(out.persist)));
  }
  if (out.send_after_persist.empty())
    return;
  held_.push_back({issued_, std::move(out.send_after_persist)});
  release_promises();
}

// Votes and acknowledgements: a promise the disk could forget must not be made (thesis §3.8).
void consensus_impl::release_promises() {
  while (!held_.empty() && held_.front().sequence <= durable_) {
    send_messages(held_.front().messages);
    held_.pop_front();
  }
}

// Before the entries: replay learns at which index its proposal stands, and answers when it applies that
// index.
void consensus_impl::report_outcomes(raft::output& out) {
  std::vector<raft::proposal_outcome> of_replay;
  for (const auto& outcome : out.outcomes) {
    if ((outcome.context & own_context_bit) == 0) {
      of_replay.push_back(outcome);
      continue;
    }
    const bool committed = outcome.status == raft::outcome_status::committed;
    const auto waiting = admin_.find(outcome.context);
    if (waiting == admin_.end()) {
      if (!committed)
        activation_proposed_.reset(); // tried again at the next tick
      continue;
    }
    const bool named = outcome.change != raft::change_error::none;
    waiting->second.deliver(msg::admin_result{committed, named ? to_string(outcome.change) : outcome.reason,
                                              outcome.status == raft::outcome_status::unknown});
    admin_.erase(waiting);
  }
  out.outcomes.clear();
  if (of_replay.empty())
    return;
  send(replay_, msg::outcome_atom::value,
       std::make_shared<const std::vector<raft::proposal_outcome>>(std::move(of_replay)));
}

void consensus_impl::hand_entries_to_replay(raft::output& out) {
  if (out.apply.empty())
    return;
  auto batch = std::make_shared<msg::apply_batch>();
  for (const auto& entry : out.apply) {
    if (entry.kind != static_cast<std::uint8_t>(msg::entry_kind::compact))
      continue;
    const auto* members = core_->members_at(entry.index);
    if (members != nullptr)
      batch->cut_configs.emplace_back(entry.index, raft::encode_config(*members));
  }
  batch->entries = std::move(out.apply);
  send(replay_, msg::apply_atom::value, msg::apply_ptr(std::move(batch)));
}

// A confirmed read names the index it must wait for, so its place among the entries does not matter.
void consensus_impl::report_reads(raft::output& out) {
  if (out.reads.empty())
    return;
  send(replay_, msg::read_atom::value,
       std::make_shared<const std::vector<raft::read_outcome>>(std::exchange(out.reads, {})));
}

void consensus_impl::note_configs(const raft::output& out) {
  for (const auto& change : out.configs) {
    std::string members;
    for (const auto& member : change.members.members) {
      if (!members.empty())
        members += ',';
      members += to_string(member.id);
      if (!member.votes())
        members += "(learner)";
    }
    spdlog::info("{}", msg::log_line("membership")
                           .with("term", core_->term().value)
                           .with("index", change.index.value)
                           .with("committed", change.committed)
                           .with("joint", change.members.joint)
                           .with("members", members)
                           .str());
  }
  if (out.removed) {
    spdlog::warn("{}", msg::log_line("removed").with("node", to_string(core_->self())).str());
  }
  if (out.removed || !out.configs.empty())
    tell_members();
}

// Whoever follows the configuration follows the one in effect, which stands in the log (thesis §4.1).
void consensus_impl::tell_members() {
  if (!core_)
    return;
  auto told = std::make_shared<msg::members_info>();
  const auto& members = core_->members();
  for (const auto& member : members.members)
    told->members.push_back({member.id, member.address, member.votes(), member.observer});
  told->gone = members.removed;
  told->self = core_->self();
  told->cluster = core_->cluster();
  told->index = core_->members_index().value;
  told->joint = members.joint;
  told->removed = core_->status().removed;
  const msg::members_ptr sent = std::move(told);
  if (config_.links)
    send(config_.links, msg::members_atom::value, sent);
  if (observer_of_role_)
    caf::anon_send(observer_of_role_, msg::members_atom::value, sent);
}

void consensus_impl::note_roles(const raft::output& out) {
  if (out.roles.empty())
    return;
  for (const auto& change : out.roles) {
    spdlog::info("{}", msg::log_line("role")
                           .with("now", to_string(change.now))
                           .with("term", change.term.value)
                           .with("leader", change.leader.is_nil() ? "" : to_string(change.leader))
                           .with("index", core_->last_index().value)
                           .with("reason", change.reason)
                           .str());
  }
  tell_role();
}

void consensus_impl::fetch_from_disk(const raft::output& out) {
  for (const auto& wanted : out.read_log)
    send(log_writer_, msg::readlog_atom::value, wanted);
}

void consensus_impl::move_snapshots(const raft::output& out) {
  for (const auto& chunk : out.send_chunks) {
    const auto peer = peers_.find(chunk.to);
    if (peer == peers_.end() || core_->snapshot().id != chunk.id)
      continue; // the core asks again
    send(log_writer_, msg::chunk_atom::value, core_->snapshot(), chunk.offset.value, chunk.length.value,
         peer->second);
  }
  if (out.receive_snapshot) {
    auto nothing_yet = std::make_shared<msg::snapshot_bytes>();
    nothing_yet->meta = *out.receive_snapshot;
    send(log_writer_, msg::chunk_atom::value, msg::snapshot_bytes_ptr(std::move(nothing_yet)));
  }
  if (out.install_snapshot)
    send(log_writer_, msg::install_atom::value, *out.install_snapshot, true);
}

void consensus_impl::fail(const std::string& why) {
  dead_ = true;
  config_.fatal({msg::exit_code::crashed, "consensus cannot go on: " + why,
                 "start the node again; if it repeats, upgrade it or remove and enrol it anew"});
}

} // namespace holdfast::consensus
