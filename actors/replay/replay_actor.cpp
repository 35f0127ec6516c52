#include "actors/replay/replay_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#ifdef HOLDFAST_UNSAFE_FAULTS
#include <cstdlib>
#include <string_view>
#endif

namespace holdfast::replay {

namespace {

#ifdef HOLDFAST_UNSAFE_FAULTS // only in holdfastd-unsafe, which the checkers of tools/chaos are proven on
bool unsafe_fault(const char* name) {
  const char* wanted = std::getenv("HOLDFAST_UNSAFE");
  return wanted && std::string_view(wanted) == name;
}
#endif

constexpr std::size_t reclaim_nodes = 64;
constexpr auto reclaim_pause = std::chrono::milliseconds(1);

msg::write_result refused(msg::write_status status, std::string reason) {
  msg::write_result result;
  result.status = status;
  result.reason = std::move(reason);
  return result;
}

} // namespace

replay_impl::replay_impl(caf::actor_config& cfg, runtime::card_ptr card, replay_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)), store_(config_.limits) {
  *config_.verdict = {}; // of an earlier life, on a state that is gone
}

replay_impl::behavior_type replay_impl::make_behavior() {
  using namespace msg;
  return {
      [this](write_atom, const transaction_ptr& transaction) { return write(transaction); },
      [this](read_atom, consistency how) { return read(how); },
      [this](changes_atom, const caf::actor& subscriber) { config_.feed->subscribe(subscriber.address()); },
      [this](status_atom) { return delegate(consensus_, status_atom::value); },
      [this](attach_atom, const caf::strong_actor_ptr& consensus, const caf::strong_actor_ptr& writer) {
        consensus_ = caf::actor_cast<consensus_actor>(consensus);
        log_writer_ = caf::actor_cast<log_writer_actor>(writer);
      },
      [this](snapshot_atom, const state_image_ptr& image, std::uint64_t bytes, std::uint64_t last_index) {
        load(image, bytes, last_index);
      },
      [this](apply_atom, const apply_ptr& batch) { apply(*batch); },
      [this](outcome_atom, const outcomes_ptr& outcomes) {
        for (const auto& outcome : *outcomes)
          take_outcome(outcome);
      },
      [this](read_atom, const reads_ptr& outcomes) {
        for (const auto& outcome : *outcomes)
          take_read(outcome);
      },
      [this](role_atom, const role_info& role) {
        if (role_.self != role.self)
          self_ = msg::parse_node_uid(to_string(role.self)).value_or(msg::node_uid{});
        role_ = role;
        consider_cut();
      },
      [this](snapshot_atom, std::uint64_t index, std::uint64_t bytes) {
        facts_.last_snapshot_bytes = bytes;
        if (index >= cut_index_)
          facts_.cut_pending = cut_context_ != 0;
        send(this, reclaim_atom::value);
      },
      [this](caf::tick_atom) { consider_hash(); },
      [this](judged_atom, std::uint64_t index, bool right) { judged(index, right); },
      [this](reclaim_atom) {
        if (store_.reclaim(reclaim_nodes))
          delayed_send(this, reclaim_pause, reclaim_atom::value);
      },
  };
}

void replay_impl::load(const msg::state_image_ptr& image, std::uint64_t bytes, std::uint64_t last_index) {
  config_.feed->local_view->view.reset();
  const auto loaded = std::dynamic_pointer_cast<loaded_state>(image);
  store_.load(loaded ? std::move(loaded->state) : store_state{});
  if (!config_.feed->told)
    config_.feed->told = last_index;
  else if (store_.applied_index() > *config_.feed->told)
    tell_missed();
  facts_ = {};
  facts_.last_snapshot_bytes = loaded ? bytes : 0;
  loaded_ = true;
  // Whoever waits for an index inside an installed snapshot can no longer be told what became of it.
  for (auto it = committed_.begin(); it != committed_.end();) {
    if (it->first > store_.applied_index()) {
      ++it;
      continue;
    }
    it->second.deliver(
        refused(msg::write_status::unknown, "this node fell behind while the write was on its way"));
    it = committed_.erase(it);
  }
  // Consensus learns who was active at the snapshot; the index is the one it started from.
  send(consensus_, msg::applied_atom::value, store_.applied_index(), store_.state().active);
  serve_reads();
}

bool replay_impl::active() const {
  const auto& active = store_.state().active;
  return role_.role == raft::role::leader && active.epoch == role_.term.value && active.node == self_;
}

/// Why this copy of the state serves nobody; empty: it does.
const std::string& replay_impl::doubt() const {
  return diverged_.empty() || config_.verdict->trouble.empty() ? diverged_ : config_.verdict->trouble;
}

std::string replay_impl::refusal() const {
  if (!diverged_.empty())
    return doubt();
  if (role_.disk_full)
    return "no space left on the disk of this node";
  if (!active())
    return "this node is not the active one";
  return {};
}

replay_impl::write_promise replay_impl::write(const msg::transaction_ptr& transaction) {
  auto promise = make_response_promise<write_promise>();
  if (auto why = refusal(); !why.empty())
    return promise.deliver(refused(msg::write_status::not_done, std::move(why)));
  msg::byte_buffer payload;
  if (const auto error = encode(*transaction, payload); error != msg::codec_error::none) {
    return promise.deliver(refused(msg::write_status::not_done,
                                   std::string("the transaction cannot be stored: ") + to_string(error)));
  }
  proposed_.emplace(propose(msg::entry_kind::command, payload), promise);
  return promise;
}

std::uint64_t replay_impl::propose(msg::entry_kind kind, const msg::byte_buffer& payload) {
  const auto context = next_context_++;
  auto bytes =
      std::make_shared<const std::string>(reinterpret_cast<const char*>(payload.data()), payload.size());
  send(consensus_, msg::propose_atom::value, context, static_cast<std::uint8_t>(kind), std::move(bytes));
  return context;
}

void replay_impl::take_outcome(const raft::proposal_outcome& outcome) {
  const auto found = proposed_.find(outcome.context);
  if (found == proposed_.end())
    return take_own_outcome(outcome);
  auto promise = std::move(found->second);
  proposed_.erase(found);
  switch (outcome.status) {
  case raft::outcome_status::committed:
    committed_.emplace(outcome.index.value, std::move(promise)); // answered when applied
    return;
  case raft::outcome_status::surely_not:
    promise.deliver(refused(msg::write_status::not_done, outcome.reason));
    return;
  case raft::outcome_status::unknown:
    promise.deliver(refused(msg::write_status::unknown, outcome.reason));
    return;
  case raft::outcome_status::overloaded:
    promise.deliver(refused(msg::write_status::overloaded, outcome.reason));
    return;
  }
}

void replay_impl::take_own_outcome(const raft::proposal_outcome& outcome) {
  if (outcome.context == hash_context_)
    hash_context_ = 0;
  if (outcome.context != cut_context_)
    return;
  cut_context_ = 0;
  if (outcome.status != raft::outcome_status::committed)
    facts_.cut_pending = false; // otherwise until its base is written
}

replay_impl::read_promise replay_impl::read(msg::consistency how) {
  auto promise = make_response_promise<read_promise>();
  if (!diverged_.empty() || !loaded_)
    return promise.deliver(msg::read_result{nullptr, loaded_ ? doubt() : "the node is starting"});
#ifdef HOLDFAST_UNSAFE_FAULTS
  if (unsafe_fault("stale-read"))
    how = msg::consistency::local;
#endif
  if (how == msg::consistency::local) {
    auto& newest = *config_.feed->local_view;
    newest.view = store_.view();
    newest.asked_for = true;
    return promise.deliver(msg::read_result{newest.view, {}});
  }
  next_round_.push_back(promise);
  if (round_context_ == 0)
    begin_round();
  return promise;
}

// The index a round names is the commit index at some moment after the round began; a read that joined later
// could miss a write that was acknowledged in between. So a round takes those who wait now and nobody else.
void replay_impl::begin_round() {
  this_round_ = std::exchange(next_round_, {});
  round_context_ = next_context_++;
  send(consensus_, msg::read_atom::value, round_context_);
}

void replay_impl::take_read(const raft::read_outcome& outcome) {
  if (outcome.context != round_context_)
    return;
  round_context_ = 0;
  for (auto& promise : std::exchange(this_round_, {})) {
    if (outcome.ok)
      confirmed_.push_back({outcome.index.value, std::move(promise)});
    else
      promise.deliver(msg::read_result{nullptr, outcome.reason});
  }
  serve_reads();
  if (!next_round_.empty())
    begin_round();
}

// Rounds name indexes that never go down, so the queue is in order.
void replay_impl::serve_reads() {
  while (!confirmed_.empty() && confirmed_.front().index <= store_.applied_index()) {
    auto view = diverged_.empty() ? store_.view() : nullptr;
    confirmed_.front().promise.deliver(msg::read_result{std::move(view), doubt()});
    confirmed_.pop_front();
  }
}

void replay_impl::consider_cut() {
  if (role_.role != raft::role::leader || !active())
    return;
  facts_.applied_index = store_.applied_index();
  facts_.slowest_active_match = role_.has_followers ? role_.slowest_match : facts_.applied_index;
  facts_.snapshot_being_sent = role_.snapshot_being_sent;
  if (decide_compaction(facts_, config_.compaction) == compaction_decision::wait)
    return;
  facts_.cut_pending = true;
  msg::byte_buffer payload;
  encode(msg::compact_mark{store_.state().generation + 1}, payload);
  cut_context_ = propose(msg::entry_kind::compact, payload);
}

void replay_impl::consider_hash() {
  hash_due_ = false;
  if (!active() || hash_context_ != 0)
    return;
  msg::byte_buffer payload;
  encode(store_.hash_mark(), payload);
  hash_context_ = propose(msg::entry_kind::state_hash, payload);
}

void replay_impl::fail(std::string what, std::string advice) {
  dead_ = true;
  config_.fatal({msg::exit_code::state_damaged, std::move(what), std::move(advice)});
}

void replay_impl::abandon() {
  config_.feed->local_view->view.reset();
  const auto lost =
      refused(msg::write_status::unknown, "the store was restarted while the write was on its way");
  for (auto* waiting : {&proposed_, &committed_}) {
    for (auto& [key, promise] : *waiting)
      promise.deliver(lost);
    waiting->clear();
  }
  const msg::read_result gone{nullptr, "the store was restarted"};
  for (auto* waiting : {&this_round_, &next_round_}) {
    for (auto& promise : *waiting)
      promise.deliver(gone);
    waiting->clear();
  }
  for (auto& read : confirmed_)
    read.promise.deliver(gone);
  confirmed_.clear();
  consensus_ = nullptr; // the group's members hold one another: dead ones must let go or are never freed
  log_writer_ = nullptr;
}

} // namespace holdfast::replay
