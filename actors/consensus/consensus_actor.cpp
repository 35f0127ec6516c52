#include "actors/consensus/consensus_actor.hpp"

#include "actors/consensus/silence.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace holdfast::consensus {

namespace {

msg::node_uid to_uid(raft::node_id id) {
  return msg::parse_node_uid(to_string(id)).value_or(msg::node_uid{});
}

constexpr auto role_refresh = std::chrono::seconds(1);
/// No more often: each telling may cost a write to the metadata.
constexpr auto commit_telling = std::chrono::milliseconds(200);

} // namespace

consensus_impl::consensus_impl(caf::actor_config& cfg, runtime::card_ptr card, consensus_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {}

consensus_impl::behavior_type consensus_impl::make_behavior() {
  using namespace msg;
  namespace ev = raft::ev;
  return {
      [this](attach_atom, const caf::strong_actor_ptr& writer, const caf::strong_actor_ptr& replay,
             const caf::strong_actor_ptr& observer) {
        log_writer_ = caf::actor_cast<log_writer_actor>(writer);
        replay_ = caf::actor_cast<replay_group_actor>(replay);
        observer_of_role_ = caf::actor_cast<caf::actor>(observer);
      },
      [this](recovered_atom, const recovered_ptr& found) { start(*found); },
      [this](persisted_atom, std::uint64_t sequence) {
        durable_ = sequence;
        release_promises();
        step(ev::persisted{sequence});
      },
      [this](full_atom, bool full, const std::string&) {
        disk_full_ = full;
        step(ev::disk_full{full});
        tell_role();
      },
      [this](entries_atom, const entries_ptr& entries) { step(ev::log_entries{*entries}); },
      [this](snapshot_atom, const ev::snapshot_available& snapshot) {
        step(ev::snapshot_available{snapshot});
      },
      [this](chunk_atom, std::uint64_t id, std::uint64_t stored) {
        step(ev::snapshot_stored{{id}, {stored}});
      },
      [this](install_atom, std::uint64_t id, bool ok) {
        step(ev::snapshot_installed{{id}, ok});
      },
      [this](propose_atom, std::uint64_t context, std::uint8_t kind, const raft::payload_ptr& payload) {
        propose(context, kind, payload);
      },
      [this](read_atom, std::uint64_t context) {
        if (core_)
          return step(ev::read{context});
        out_.reads.push_back({context, false, {}, "the node is starting"});
        report_reads(out_);
      },
      [this](applied_atom, std::uint64_t index, const activation& active) {
        const bool other = !(active_ == active);
        active_ = active;
        step(ev::applied{{index}});
        consider_activation();
        if (other)
          tell_role();
        tell_lease();
      },
      [this](peer_atom, raft::node_id id, const caf::strong_actor_ptr& peer) { take_peer(id, peer); },
      [this](link_atom, raft::node_id id, link_state state) { take_link(id, state); },
      [this](frame_atom, const frame_ptr& frame) { receive_frame(*frame); },
      [this](chunk_atom, const snapshot_bytes_ptr& chunk) {
        if (!chunk->bytes.empty()) // an empty one is how the core's own wish is told (move_snapshots)
          send(log_writer_, chunk_atom::value, chunk);
      },
      [this](health_atom, bool healthy, const std::string& reason) {
        unhealthy_ = healthy ? std::string{} : reason;
        consider_activation();
      },
      [this](judged_atom, const std::string& reason) {
        diverged_ = reason;
        consider_activation();
      },
      [this](caf::tick_atom) { tick(); },
      [this](status_atom) { return status(); },
      [this](members_atom, const raft::membership_change& change) {
        const auto context = next_context_++;
        auto promise = expect_outcome(context);
        step(ev::change_members{context, change});
        return promise;
      },
      [this](transfer_atom, raft::node_id target, std::uint64_t limit_ms) {
        const auto context = next_context_++;
        auto promise = expect_outcome(context);
        begin_transfer(context, target, std::chrono::milliseconds(limit_ms));
        return promise;
      },
      [this](ticket_atom, std::uint64_t epoch) { step(ev::release_ticket{{epoch}}); },
      [this](fitness_atom, const vip_fitness& fitness) {
        vip_ = fitness;
        consider_activation();
      },
      [this](flush_atom) { flush(); },
      [this](news_atom) { tell_commit_news(); },
  };
}

// The time the actor's clock shows: virtual under test.
raft::instant consensus_impl::now() const {
  const auto since = clock().now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

void consensus_impl::start(const msg::recovered_log& found) {
  raft::boot boot;
  boot.self = found.self;
  boot.cluster = found.cluster;
  boot.lim = config_.limits;
  boot.seed = config_.seed;
  boot.now = now();
  boot.state = found.state;
  boot.snapshot = found.snapshot;
  boot.log_base = found.log_base;
  boot.log_base_term = found.log_base_term;
  boot.log = found.log;
  boot.applied = found.applied;
  boot.commit = found.commit;
  self_ = to_uid(found.self);
  core_.emplace(std::move(boot));
  const auto state = core_->status();
  spdlog::info("{}", msg::log_line("consensus_started")
                         .with("node", to_string(found.self))
                         .with("cluster", to_string(found.cluster))
                         .with("term", state.term.value)
                         .with("last_index", state.last.value)
                         .with("applied_index", found.applied.value)
                         .str());
  for (const auto& [id, peer] : peers_)
    step(raft::ev::link_up{id});
  tell_members();
  tell_role();
  tick();
}

void consensus_impl::tick() {
  if (dead_ || !core_)
    return;
  step(raft::ev::tick{});
  consider_activation();
  tell_lease();
  if (core_->is_leader() && now() >= next_role_refresh_) {
    next_role_refresh_ = now() + role_refresh;
    tell_role();
  } else if (follows_silence() != silence_told_) {
    tell_role();
  }
  tell_commit();
  delayed_send(this, config_.limits.heartbeat_interval / 4, caf::tick_atom::value);
}

/// What the next start may apply before it hears of a leader: without a majority, its users can still ask how
/// it stands (STA-10).
void consensus_impl::tell_commit() {
  const auto commit = core_->status().commit;
  const auto term = core_->log().term_at(commit);
  if (commit == commit_told_ || now() < next_commit_telling_ || !term)
    return;
  commit_told_ = commit;
  next_commit_telling_ = now() + commit_telling;
  send(log_writer_, msg::commit_atom::value, commit.value, term->value);
}

template <class Event>
void consensus_impl::step(Event&& event) {
  if (dead_ || !core_)
    return;
  core_->step({now(), std::forward<Event>(event)}, out_);
  // Performed behind what is in the mailbox already, so that events which came together share one output.
  if (!std::exchange(flush_pending_, true))
    send(this, flush_atom::value);
}

void consensus_impl::propose(std::uint64_t context, std::uint8_t kind, const raft::payload_ptr& payload) {
  if (core_)
    return step(raft::ev::propose{context, kind, payload});
  out_.outcomes.push_back({context, raft::outcome_status::surely_not, {}, "the node is starting", {}});
  report_outcomes(out_);
}

void consensus_impl::receive_frame(const std::string& bytes) {
  auto decoded = raft::decode_message(bytes, config_.limits);
  // A frame that is none was counted by the link that let it through; the core counts those of other
  // clusters.
  if (auto* message = std::get_if<raft::message>(&decoded))
    step(raft::ev::receive{std::move(*message)});
}

void consensus_impl::take_peer(raft::node_id id, const caf::strong_actor_ptr& peer) {
  if (peer) {
    peers_[id] = peer;
  } else {
    peers_.erase(id);
    step(raft::ev::link_down{id});
  }
}

void consensus_impl::take_link(raft::node_id id, msg::link_state state) {
  switch (state) {
  case msg::link_state::up:
    linked_at_[id] = now();
    return step(raft::ev::link_up{id});
  case msg::link_state::down:
    return step(raft::ev::link_down{id});
  case msg::link_state::refused:
    return step(raft::ev::link_refused{id});
  }
}

consensus_impl::admin_promise consensus_impl::expect_outcome(std::uint64_t context) {
  auto promise = make_response_promise<admin_promise>();
  if (core_ && !dead_) {
    admin_.emplace(context, promise);
  } else {
    promise.deliver(msg::admin_result{false, "the node is starting"});
  }
  return promise;
}

activation_facts consensus_impl::facts() const {
  activation_facts facts;
  if (!core_)
    return facts;
  const auto state = core_->status();
  facts.leader = core_->is_leader();
  facts.own_term_applied = core_->log().term_at(state.applied) == state.term;
  facts.observer = config_.observer;
  if (const auto* self = core_->members().find(state.self))
    facts.observer = facts.observer || self->observer;
  facts.healthy = unhealthy_.empty() && diverged_.empty() && !disk_full_ && !state.disk_stalled;
  facts.holds_activation = active_.epoch == state.term.value && active_.node == self_;
  facts.proposed = activation_proposed_ == state.term;
  facts.transferring = state.transferring;
  facts.carries_vip = vip_.trouble.empty();
  facts.other_carries_vip = !facts.carries_vip && !vip_successor().is_nil();
  for (const auto& member : core_->members().members) {
    facts.other_candidate =
        facts.other_candidate || (member.voter && !member.observer && member.id != state.self);
  }
  return facts;
}

void consensus_impl::consider_activation() {
  if (dead_ || !core_)
    return;
  switch (next_activation_step(facts())) {
  case activation_step::none:
    return;
  case activation_step::activate: {
    activation_proposed_ = core_->term();
    msg::byte_buffer bytes;
    encode(msg::activation{self_, core_->term().value}, bytes);
    auto payload =
        std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return step(raft::ev::propose{next_context_++, static_cast<std::uint8_t>(msg::entry_kind::activate),
                                  std::move(payload)});
  }
  case activation_step::hand_over:
    if (now() < hand_over_until_)
      return; // the last attempt still runs
    hand_over_until_ = now() + config_.limits.election_timeout_max;
    spdlog::warn("{}", msg::log_line("hand_over")
                           .with("term", core_->term().value)
                           .with("reason", !unhealthy_.empty()            ? unhealthy_
                                           : !diverged_.empty()           ? diverged_
                                           : disk_full_                   ? "the disk is full"
                                           : core_->status().disk_stalled ? "the disk stalls"
                                           : !vip_.trouble.empty()        ? vip_.trouble
                                                                          : "an observer is never active")
                           .str());
    return begin_transfer(next_context_++, {}, config_.limits.election_timeout_max);
  }
}

/// The address goes first, so that the successor need not wait this node's lease out (raft::ev::transfer).
void consensus_impl::begin_transfer(std::uint64_t context, raft::node_id target, raft::duration limit) {
  if (target.is_nil())
    target = vip_successor();
  if (target.is_nil())
    target = successor(nullptr);
  if (!config_.vip || !core_ || !core_->is_leader() || letting_go_)
    return step(raft::ev::transfer{context, target, now() + limit, false});
  constexpr auto release_limit = std::chrono::milliseconds(300);
  letting_go_ = true;
  tell_lease();
  const auto go_on = [this, context, target, limit](bool released) {
    step(raft::ev::transfer{context, target, now() + limit, released});
    letting_go_ = false;
    tell_lease();
  };
  auto asked = request(config_.vip, release_limit, msg::release_atom::value, false);
  // CAF never takes a request's timeout back, and it keeps the requester alive until then, also past the end.
  const auto answered = [this, go_on, id = asked.id()](bool released) {
    clock().cancel_request_timeout(this, id);
    go_on(released);
  };
  asked.then(answered, [answered](const caf::error&) { answered(false); });
}

/// Among the members that say they can carry the address one that can take over at once, otherwise the one
/// that has most of the log: a member that was just started may not campaign yet. Nil: nobody.
raft::node_id consensus_impl::vip_successor() const {
  raft::node_id best;
  if (!vip_.managed || !core_)
    return best;
  if (const auto at_once = successor(&vip_.fit);
      !at_once.is_nil() && !core_->members().find(at_once)->observer)
    return at_once;
  raft::index_t most;
  for (const auto& peer : core_->peers()) {
    const auto* member = core_->members().find(peer.id);
    const bool able = member != nullptr && member->voter && !member->observer && !peer.recovering &&
                      now() - peer.last_heard < config_.limits.election_timeout_min &&
                      std::find(vip_.fit.begin(), vip_.fit.end(), peer.id) != vip_.fit.end();
    if (able && (best.is_nil() || peer.match > most)) {
      best = peer.id;
      most = peer.match;
    }
  }
  return best;
}

/// An activation stands for its own term alone: between an election and the new leader's own one nobody is
/// active.
raft::node_id consensus_impl::active_node() const {
  const auto state = core_->status();
  if (state.leader.is_nil() || active_.epoch != state.term.value || active_.node.none())
    return {};
  return raft::parse_node_id(to_string(active_.node)).value_or(raft::node_id{});
}

/// Of these, or of all when null.
raft::node_id consensus_impl::successor(const std::vector<raft::node_id>* among) const {
  std::vector<successor_candidate> all;
  if (!core_)
    return {};
  for (const auto& peer : core_->peers()) {
    const auto* member = core_->members().find(peer.id);
    const auto linked = linked_at_.find(peer.id);
    const bool meant = among == nullptr || std::find(among->begin(), among->end(), peer.id) != among->end();
    if (member == nullptr || linked == linked_at_.end() || !meant)
      continue;
    all.push_back({peer, member->voter, member->observer, now() - peer.last_heard, now() - linked->second});
  }
  return settled_successor(all, config_.limits);
}

/// A majority answered within the lease, and every earlier holder's lease is over.
bool consensus_impl::holds_lease() const {
  const auto lease = core_->lease();
  const auto clear = core_->previous_lease_clear_at();
  return lease.until && now() < *lease.until && clear && now() >= *clear;
}

bool consensus_impl::follows_silence() const {
  return leader_silent(core_->last_leader_contact(), now(), config_.limits);
}

msg::consensus_status consensus_impl::status() const {
  msg::consensus_status status;
  if (!core_) {
    status.role = "starting";
    return status;
  }
  const auto state = core_->status();
  status.node_id = to_string(state.self);
  if (!state.leader.is_nil())
    status.leader_id = to_string(state.leader);
  // Of itself a node says so only while nobody else can be: after a pause the lease is over before anything
  // is answered, and a balancer that asks is not sent to two.
  if (const auto active = active_node(); !active.is_nil() && (active != state.self || holds_lease()))
    status.active_id = to_string(active);
  status.term = state.term.value;
  status.commit_index = state.commit.value;
  status.applied_index = state.applied.value;
  status.durable_index = state.durable.value;
  status.last_index = state.last.value;
  status.role = to_string(state.what);
  for (const auto& member : core_->members().members) {
    status.members.push_back(to_string(member.id));
    status.voters += member.voter ? 1 : 0;
  }
  status.joint = core_->members().joint;
  status.disk_full = disk_full_;
  for (const auto& peer : core_->peers()) {
    const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(now() - peer.last_heard);
    status.progress.push_back({to_string(peer.id), peer.match.value, peer.behind, silent.count(),
                               peer.state == raft::progress_state::snapshot});
  }
  return status;
}

void consensus_impl::tell_role() {
  if (!core_)
    return;
  const auto state = core_->status();
  msg::role_info role;
  role.role = state.what;
  role.term = state.term;
  role.self = state.self;
  role.leader = state.leader;
  role.active = active_node();
  role.leader_silent = silence_told_ = follows_silence();
  role.disk_full = disk_full_;
  role.slowest_match = state.durable.value;
  const auto silence = config_.limits.election_timeout_max;
  for (const auto& peer : core_->peers()) {
    role.has_followers = true;
    role.snapshot_being_sent = role.snapshot_being_sent || peer.state == raft::progress_state::snapshot;
    if (now() - peer.last_heard < silence)
      role.slowest_match = std::min(role.slowest_match, peer.match.value);
  }
  send(replay_, msg::role_atom::value, role);
  if (observer_of_role_)
    caf::anon_send(observer_of_role_, msg::role_atom::value, role);
}

/// To whoever holds something for as long as this node may: the virtual address (architecture §7).
void consensus_impl::tell_lease() {
  if (!config_.vip || !core_)
    return;
  const auto lease = core_->lease();
  const auto role = core_->current_role();
  msg::lease_state told;
  told.active = !letting_go_ && is_active(facts());
  told.epoch = core_->term().value;
  told.until_us = lease.until ? lease.until->us : 0;
  const auto clear = core_->previous_lease_clear_at();
  told.clear_at_us = clear.value_or(raft::instant{}).us;
  told.settled = clear ? now() >= *clear : !core_->status().leader.is_nil();
  told.campaigning = role == raft::role::candidate || role == raft::role::pre_candidate;
  if (told == lease_told_)
    return;
  lease_told_ = told;
  send(config_.vip, msg::lease_atom::value, told);
}

void consensus_impl::abandon() {
  if (config_.vip)
    caf::anon_send(config_.vip, msg::lease_atom::value, msg::lease_state{});
  config_.vip = nullptr;
  for (auto& [context, promise] : admin_) {
    promise.deliver(
        msg::admin_result{false, "consensus was restarted: look at the members before asking again", true});
  }
  admin_.clear();
  peers_.clear();
  log_writer_ = nullptr; // the group's members hold one another: dead ones must let go or are never freed
  replay_ = nullptr;
  observer_of_role_ = nullptr;
}

} // namespace holdfast::consensus
