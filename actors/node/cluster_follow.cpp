// Keeping in step: what the replicated facts say becomes ha-state.json, link credentials, and, on the leader,
// the steps that complete what somebody began.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/change_fate.hpp"
#include "actors/node/json_text.hpp"
#include "messages/log_line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto status_limit = 800ms;
constexpr auto change_limit = 10s;
/// For finding out what became of a change of members; whoever asked for it waits no longer than 15 s.
constexpr auto fate_limit = 12s;
/// A learner that was never heard of for so long is taken out again: its join was given up (ENR-11).
constexpr auto lost_learner = 10min;
/// And one whose record never came: the node behind it turned back before it knew that it was added.
constexpr auto unknown_learner = 30s;

const msg::member_info* find_member(const msg::members_ptr& members, const std::string& raft_id) {
  if (members) {
    for (const auto& member : members->members) {
      if (to_string(member.id) == raft_id)
        return &member;
    }
  }
  return nullptr;
}

std::string bare_address(const std::string& virt_addr) {
  return virt_addr.substr(0, virt_addr.find('/'));
}

} // namespace

void cluster_desk::on_members(const msg::members_ptr& members) {
  members_ = members;
  show_standing();
  tell_links_members();
  poke();
}

void cluster_desk::on_role(const msg::role_info& role) {
  role_ = role;
  show_standing();
  poke();
}

void cluster_desk::on_links_started() {
  links_stale_ = true;
  poke();
}

void cluster_desk::on_vip_started() {
  if (vip_told_) // at once: a look may take longer than the lease
    caf::anon_send(config_.vip, msg::setup_atom::value,
                   msg::vip_setup_ptr(std::make_shared<const msg::vip_setup>(*vip_told_)));
  poke();
}

void cluster_desk::poke() {
  if (closed_)
    return;
  if (following_) {
    again_ = true;
    return;
  }
  following_ = true;
  boost::asio::co_spawn(config_.executor, follow(), boost::asio::detached);
}

awaitable<void> cluster_desk::follow() {
  const auto self = shared_from_this();
  const auto errand = errands_;
  do {
    again_ = false;
    try {
      co_await look();
    } catch (const std::exception& failure) {
      spdlog::error("{}", msg::log_line("cluster_follow").with("reason", failure.what()).str());
    }
  } while (again_ && !closed_);
  following_ = false;
}

awaitable<void> cluster_desk::look() {
  const auto read =
      co_await config_.ask->ask(config_.replay, status_limit, msg::read_atom::value, msg::consistency::local);
  if (closed_)
    co_return;
  if (read && read.value->view) {
    facts_ = msg::read_cluster_facts(*read.value->view);
    expired_tickets_ = find_expired_tickets(*read.value->view, static_cast<std::uint64_t>(wall_ms()));
  }
  const auto seen = co_await status();
  if (closed_)
    co_return;
  auto next = derived_state(seen);
  if (!seen.node_id.empty() && !(next == *state_)) { // else consensus did not answer, which says nothing
    if (const auto error = co_await keep_state(std::move(next)); !error.empty())
      spdlog::error("{}", msg::log_line("ha_state_not_kept").with("reason", error).str());
    if (closed_)
      co_return;
  }
  if (const auto error = co_await set_up_links(); !error.empty())
    spdlog::error("{}", msg::log_line("links_not_set_up").with("reason", error).str());
  if (links_setup_) {
    caf::anon_send(config_.links, msg::handled_atom::value, seen.applied_index);
    const auto rows = co_await config_.ask->ask(config_.links, status_limit, msg::status_atom::value);
    if (rows)
      take_rows(*rows.value);
  }
  tell_vip();
  show_standing();
  if (join_)
    co_await finish_join(seen);
  co_await keep_seeds(seen);
  co_await judge_state_if_doubted();
  if (!closed_ && state_->consensus_enabled && !join_) {
    if (role_.role == raft::role::leader)
      co_await lead(seen);
    co_await refresh_own_record(seen);
  }
}

awaitable<msg::consensus_status> cluster_desk::status() {
  const auto asked = co_await config_.ask->ask(config_.consensus, status_limit, msg::status_atom::value);
  co_return asked ? *asked.value : msg::consensus_status{};
}

awaitable<msg::write_result> cluster_desk::write(msg::transaction tx) {
  if (tx.principal.empty())
    tx.principal = "system";
  tx.time = {wall_ms()};
  msg::transaction_ptr sent = std::make_shared<const msg::transaction>(std::move(tx));
  auto asked = co_await config_.ask->ask(config_.replay, change_limit, msg::write_atom::value, sent);
  if (asked)
    co_return std::move(*asked.value);
  msg::write_result out;
  out.status = msg::write_status::unknown;
  out.reason = asked.error;
  co_return out;
}

awaitable<msg::admin_result> cluster_desk::change_members(raft::membership_change change) {
  auto asked = co_await config_.ask->ask(config_.consensus, change_limit, msg::members_atom::value, change);
  if (asked)
    co_return std::move(*asked.value);
  msg::admin_result out;
  out.reason = "consensus does not answer: " + asked.error;
  out.unknown = true;
  co_return out;
}

/// Does not take "unknown" for an answer while it can still be found out: leadership that was lost on the way
/// comes back here or is somebody else's soon, and then what is committed tells (change_fate.hpp).
awaitable<msg::admin_result> cluster_desk::change_members_surely(raft::membership_change change) {
  const auto deadline = std::chrono::steady_clock::now() + fate_limit;
  auto out = co_await change_members(change);
  while (out.unknown && !closed_ && std::chrono::steady_clock::now() < deadline) {
    const auto read = co_await config_.ask->ask(config_.replay, status_limit, msg::read_atom::value,
                                                msg::consistency::linear);
    const auto seen = co_await status();
    const auto fate = fate_of(change, seen, read && read.value->view);
    if (fate == change_fate::open) {
      co_await rest(50ms);
      continue;
    }
    out.unknown = false;
    out.done = fate == change_fate::done;
    spdlog::info("{}", msg::log_line("membership_change_found_out")
                           .with("member", to_string(change.id))
                           .with("done", out.done)
                           .with("after", out.reason)
                           .str());
  }
  co_return out;
}

awaitable<io_error> cluster_desk::on_files(std::function<io_error()> work) {
  auto run = [work = std::move(work)]() -> awaitable<io_error> { co_return work(); };
  co_return co_await boost::asio::co_spawn(files_.get_executor(), std::move(run), boost::asio::use_awaitable);
}

awaitable<void> cluster_desk::rest(std::chrono::milliseconds span) {
  boost::asio::steady_timer timer(config_.executor, span);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

std::string cluster_desk::own_raft_id() const {
  if (members_ && !members_->self.is_nil())
    return to_string(members_->self);
  return join_ ? join_->raft_id : std::string();
}

std::string cluster_desk::to_consensus_id(const std::string& raft_id) const {
  if (raft_id.empty())
    return {};
  if (raft_id == own_raft_id())
    return state_->consensus_id;
  const auto* record = facts_.by_raft_id(raft_id);
  return record != nullptr ? record->consensus_id : raft_id;
}

const msg::member_record* cluster_desk::active_record(const msg::consensus_status& raw) const {
  const auto* active = facts_.by_raft_id(raw.active_id);
  return active != nullptr ? active : facts_.by_raft_id(raw.leader_id);
}

/// The cluster's word wins over a hand that edited the file (CON-08). While this node is on its way in, or
/// was taken out, the facts in its store are not those of its cluster.
msg::ha_state cluster_desk::derived_state(const msg::consensus_status& status) const {
  auto next = *state_;
  const bool outside = members_ && (members_->removed || members_->members.empty());
  if (!facts_.global || !facts_.global->consensus_enabled || join_ || outside || busy())
    return next;
  const auto& global = *facts_.global;
  next.enabled = global.enabled;
  next.consensus_enabled = true;
  next.ha_id = global.ha_id;
  next.load_balanced = global.load_balanced;
  next.virt_addr = global.virt_addr;
  next.active_uri = https_url(bare_address(global.virt_addr), config_.api_port);
  if (!facts_.roots.empty())
    next.roots = facts_.roots;
  if (!facts_.token.current.empty())
    next.token = facts_.token.current;
  if (const auto own = facts_.members.find(next.consensus_id); own != facts_.members.end()) {
    next.observer = own->second.observer;
    if (next.consensus_addr.empty())
      next.consensus_addr = own->second.consensus_addr;
    next.virt_interface = own->second.virt_interface;
    next.virt_interface_script = own->second.virt_interface_script;
  }
  next.passive = status.active_id.empty() || status.active_id != status.node_id; // CON-07
  const auto* to_join = active_record(status);                                   // HST-16, D-05
  next.consensus_join = to_join != nullptr ? to_join->api_url : std::string();
  return next;
}

awaitable<std::string> cluster_desk::keep_state(msg::ha_state next) {
  next.valid = true;
  const auto made = std::make_shared<const msg::ha_state>(std::move(next));
  state_ = made;
  auto work = [store = &store_, made] { return store->save(*made); };
  co_return co_await on_files(std::move(work));
}

/// The leader completes: votes for learners that caught up, addresses, records nobody stands behind.
awaitable<void> cluster_desk::lead(const msg::consensus_status& status) {
  const auto members = members_;
  if (!members || members->joint)
    co_return;
  const auto* self = find_member(members, own_raft_id());
  if (self != nullptr && self->address != state_->consensus_addr) {
    raft::membership_change change;
    change.kind = raft::change_kind::set_address;
    change.id = self->id;
    change.address = state_->consensus_addr;
    co_await change_members(change);
    co_return;
  }
  const auto learner = std::find_if(members->members.begin(), members->members.end(),
                                    [](const msg::member_info& member) { return !member.votes; });
  if (learner != members->members.end())
    co_return co_await settle_learner(*learner, status);
  if (status.active_id != status.node_id || admitting_)
    co_return;
  msg::transaction tx;
  const auto known = facts_.members; // which may be looked up anew meanwhile
  for (const auto& [id, record] : known) {
    if (find_member(members, record.raft_id) == nullptr)
      co_await forget_record(id, record.raft_id);
  }
  for (const auto& key : expired_tickets_)
    tx.mutations.push_back({std::string(msg::cluster_prefix), key, std::nullopt});
  if (!tx.mutations.empty())
    co_await write(std::move(tx));
}

/// The record of one that is no member any more, unless it is another's by now: the same node may have come
/// back meanwhile, under the same ConsensusID.
awaitable<void> cluster_desk::forget_record(std::string consensus_id, std::string raft_id) {
  const auto key = msg::member_key(consensus_id);
  const auto read =
      co_await config_.ask->ask(config_.replay, status_limit, msg::read_atom::value, msg::consistency::local);
  const auto object =
      read && read.value->view ? read.value->view->get(msg::cluster_prefix, key) : msg::object_ref{};
  msg::member_record record;
  if (!object || !msg::parse_record(object->json, record) || record.raft_id != raft_id)
    co_return;
  msg::transaction tx;
  tx.preconditions.push_back(
      {std::string(msg::cluster_prefix), key, msg::expectation::revision, object->rev});
  tx.mutations.push_back({std::string(msg::cluster_prefix), key, std::nullopt});
  co_await write(std::move(tx));
}

/// A vote once it caught up; out again when nobody stands behind it (ENR-11, ENR-12).
awaitable<void> cluster_desk::settle_learner(const msg::member_info& learner,
                                             const msg::consensus_status& status) {
  const auto now = std::chrono::steady_clock::now();
  const auto id = to_string(learner.id);
  auto& note = learners_.try_emplace(id, learner_note{now, now}).first->second;
  bool ready = false; // it took something of the log already; the core judges whether it is enough
  for (const auto& row : status.progress) {
    if (row.id == id && row.silent_ms < 5000)
      note.heard = now;
    ready = ready || (row.id == id && row.silent_ms < 1000 && row.match > 0 && !row.snapshot);
  }
  const bool unknown = facts_.by_raft_id(id) == nullptr;
  const bool lost = now - note.heard > lost_learner || (unknown && now - note.first > unknown_learner);
  if (!lost && (!ready || unknown))
    co_return;
  raft::membership_change change;
  change.id = learner.id;
  change.kind = lost ? raft::change_kind::remove : raft::change_kind::promote;
  if (lost)
    spdlog::warn("{}", msg::log_line("learner_given_up").with("member", id).str());
  const auto done = co_await change_members(change); // refused until it has caught up
  if (done.done) {
    learners_.erase(id);
    again_ = true;
  }
}

msg::member_record cluster_desk::own_record() const {
  msg::member_record out;
  if (const auto known = facts_.members.find(state_->consensus_id); known != facts_.members.end())
    out = known->second;
  else
    out.joined_ms = static_cast<std::uint64_t>(wall_ms());
  out.consensus_id = state_->consensus_id;
  out.raft_id = own_raft_id();
  out.incarnation = config_.incarnation;
  out.drp_id = config_.drp_id;
  out.consensus_addr = state_->consensus_addr;
  out.api_url = state_->api_url;
  out.api_fingerprint = config_.api_fingerprint();
  out.virt_interface = state_->virt_interface;
  out.virt_interface_script = state_->virt_interface_script;
  out.observer = state_->observer;
  out.version = HOLDFAST_VERSION;
  out.os = "linux";
#ifdef __aarch64__
  out.arch = "arm64";
#else
  out.arch = "amd64";
#endif
  return out;
}

/// What changed with a start (address of the API, its certificate, the version) reaches the others through
/// the active.
awaitable<void> cluster_desk::refresh_own_record(const msg::consensus_status& status) {
  const auto known = facts_.members.find(state_->consensus_id);
  if (known == facts_.members.end() || !members_ || members_->removed)
    co_return;
  if (!(own_record() == known->second))
    co_await announce(status);
}

/// Writes this node's record, through the active where that is another.
awaitable<void> cluster_desk::announce(const msg::consensus_status& status) {
  const auto record = own_record();
  if (!status.active_id.empty() && status.active_id == status.node_id) {
    msg::transaction tx;
    tx.mutations.push_back(
        {std::string(msg::cluster_prefix), msg::member_key(record.consensus_id), to_json(record)});
    co_await write(std::move(tx));
  } else if (const auto* active = facts_.by_raft_id(status.active_id)) {
    const auto where = *active;
    const auto body = json_object().text("Verb", "record").raw("Record", to_json(record)).take();
    co_await ask_member(where, body, 5s);
  }
}

} // namespace holdfast::node
