// A member whose state differs from the cluster's (WAL-06): it stopped serving when it noticed. Who is wrong,
// it or whoever proposed the state hash, is for the members to tell (state_judgement.hpp). Who is right
// serves again; who is wrong stops serving, hands the active role over, sets its log aside and comes back as
// a recovering member. Where that does not help, it stays out of service until people decide
// (state_repairs.hpp).
#include "actors/node/cluster_desk.hpp"

#include "actors/node/json_text.hpp"
#include "messages/log_line.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace holdfast::node {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

/// Between two looks of a member that stays out of service at what the others have.
constexpr auto compare_pause = 5s;

/// A state that is not served tells no records either; then what was known before.
std::string api_url_of(const std::string& raft_id, const msg::cluster_facts& facts,
                       const std::vector<join_member>& seeds) {
  if (const auto* record = facts.by_raft_id(raft_id))
    return record->api_url;
  for (const auto& seed : seeds) {
    if (seed.raft_id == raft_id)
      return seed.api_url;
  }
  return {};
}

/// A newcomer that has its vote: what it doubts of the log's past keeps it from finishing its join.
bool votes_here(const msg::members_info& members) {
  return std::any_of(members.members.begin(), members.members.end(), [&](const msg::member_info& member) {
    return member.id == members.self && member.votes;
  });
}

std::string text_of(const msg::state_digest& digest) {
  return fmt::format("{:016x}/{:016x}", digest.commands, digest.contents);
}

constexpr const char* state_advice = "this node serves nothing and sets its log aside no more; find out "
                                     "which members are wrong, then remove a "
                                     "wrong one and enroll it anew: it replays the log";

} // namespace

/// The voting members but this one, kept where they can be read when the log cannot. Not while the log is
/// being given back: then the configuration is one of long ago.
awaitable<void> cluster_desk::keep_seeds(const msg::consensus_status& status) {
  if (!members_ || (status.role != "leader" && status.role != "follower"))
    co_return;
  bool inside = members_->removed; // else the log does not reach to where this node became a member
  std::vector<join_member> others;
  for (const auto& member : members_->members) {
    inside = inside || member.id == members_->self;
    if (!member.votes || member.id == members_->self || members_->removed)
      continue;
    others.push_back(
        {to_string(member.id), member.address, api_url_of(to_string(member.id), facts_, config_.seeds)});
  }
  const auto json = seeds_json(others);
  if (!inside || json == saved_seeds_)
    co_return;
  auto save = [root = config_.base_root, json] { return save_seeds(real_files(), root, json); };
  if (const auto error = co_await on_files(std::move(save)); !error.empty()) {
    spdlog::error("{}", msg::log_line("members_file").with("reason", error).str());
    co_return;
  }
  saved_seeds_ = json;
  config_.seeds = others;
}

/// Asked by a member that compares. One that doubts its own state makes this node compare as well: it may be
/// the one that is wrong.
msg::cluster_answer cluster_desk::own_verdict(std::uint64_t index, bool doubt) {
  const auto own = config_.verdict ? config_.verdict->own_at(index) : std::nullopt;
  if (own && doubt)
    doubted_ = index;
  const auto digest = own.value_or(msg::state_digest{});
  msg::cluster_answer out;
  out.json = json_object()
                 .flag("Known", own.has_value())
                 .number("Commands", digest.commands)
                 .number("Contents", digest.contents)
                 .take();
  return out;
}

awaitable<state_comparison> cluster_desk::compare_states(std::uint64_t index) {
  const auto own = config_.verdict->own_at(index);
  const auto members = members_;
  state_comparison out;
  if (!own)
    co_return out;
  std::size_t voters = 0;
  std::vector<msg::state_digest> others;
  out.agreed = "this node has " + text_of(*own);
  for (const auto& member : members->members) {
    voters += member.votes ? 1 : 0;
    if (!member.votes || member.id == members->self)
      continue;
    msg::member_record where;
    where.raft_id = to_string(member.id);
    where.api_url = api_url_of(where.raft_id, facts_, config_.seeds);
    if (where.api_url.empty() && join_)
      where.api_url = api_url_of(where.raft_id, facts_, join_->members);
    const auto body = json_object()
                          .text("Verb", "verdict")
                          .number("Index", index)
                          .flag("Doubt", config_.verdict->differs == index)
                          .take();
    const auto answer = co_await ask_member(where, body, 2s);
    rapidjson::Document doc;
    if (answer.status >= 400 || !parse_object(answer.json, doc) || !flag_at(doc, "Known"))
      continue;
    others.push_back({number_at(doc, "Commands"), number_at(doc, "Contents")});
    out.agreed += ", " + to_consensus_id(where.raft_id) + " has " + text_of(others.back());
  }
  out.found = judge_state(*own, others, voters);
  co_return out;
}

awaitable<void> cluster_desk::judge_state_if_doubted() {
  if (!config_.verdict || !members_ || (join_ && !votes_here(*members_)))
    co_return;
  co_await take_equal_state();
  if (closed_ || !members_)
    co_return;
  const auto doubted = std::exchange(doubted_, 0);
  const auto at = config_.verdict->differs != 0 ? config_.verdict->differs : doubted;
  const auto gave_up = repairs_.gave_up_at();
  const bool may_repair = repairs_.may_repair(static_cast<std::uint64_t>(wall_ms()));
  if (at == 0 && gave_up != 0 && config_.verdict->same < gave_up) // started again, with a state that is wrong
    caf::anon_send(config_.judged_replay, msg::judged_atom::value, gave_up, false);
  const bool mine = at != 0 && config_.verdict->differs == at; // else it is the other one's doubt
  const bool waits = mine && stays_out_at_ == at && !may_repair;
  const auto now = std::chrono::steady_clock::now();
  if (at == 0 || (waits && now < compare_again_))
    co_return;
  compare_again_ = now + compare_pause;
  const auto how = co_await compare_states(at);
  if (closed_ || !members_)
    co_return;
  const bool wrong = how.found == state_judgement::wrong;
  if (how.found == state_judgement::right) {
    co_await take_as_right(at, mine ? at : 0);
  } else if (!mine) {
    if (wrong)
      caf::anon_send(config_.judged_replay, msg::judged_atom::value, at, false);
    again_ = again_ || wrong;
  } else if (!may_repair && (wrong || gave_up != 0)) {
    co_await stay_out(at, how);
  } else if (wrong && !join_ && role_.role != raft::role::leader) {
    co_await repair_state(at); // a leader has another one take over first: it serves nobody since the doubt
  }
}

/// The majority's state at that index is this member's: that ends its doubt at `doubted`, if any, and proves
/// the repairs before. The doubt is named, since while members were asked the next one may have begun.
awaitable<void> cluster_desk::take_as_right(std::uint64_t index, std::uint64_t doubted) {
  if (doubted != 0)
    caf::anon_send(config_.judged_replay, msg::judged_atom::value, doubted, true);
  if (!repairs_.awaits(index))
    co_return;
  repairs_.note_equal(index);
  co_await keep_repairs();
}

/// A later state hash at which this member's state is the proposer's again is worth a look at the others'.
/// Each one is compared once: the next comes soon.
awaitable<void> cluster_desk::take_equal_state() {
  const auto same = config_.verdict->same;
  const auto differs = config_.verdict->differs;
  const bool ends_doubt = differs != 0 && same > differs;
  if (same <= equal_tried_ || (!ends_doubt && !repairs_.awaits(same)))
    co_return;
  equal_tried_ = same;
  const auto how = co_await compare_states(same);
  if (closed_ || !members_ || config_.verdict->differs != differs)
    co_return;
  if (how.found == state_judgement::right)
    co_return co_await take_as_right(same, ends_doubt ? differs : 0);
  if (how.found != state_judgement::wrong)
    co_return;
  if (differs == 0) // it was the proposer itself, and alone with its state
    caf::anon_send(config_.judged_replay, msg::judged_atom::value, same, false);
  else
    equal_tried_ = 0; // once more when the earlier doubt is over
}

/// False, and said in the log, when it could not be saved.
awaitable<bool> cluster_desk::keep_repairs() {
  auto save = [root = config_.base_root, repairs = repairs_] {
    return save_state_repairs(real_files(), root, repairs);
  };
  const auto error = co_await on_files(std::move(save));
  if (!error.empty())
    spdlog::error("{}", msg::log_line("state_repairs_file").with("reason", error).str());
  co_return error.empty();
}

awaitable<void> cluster_desk::repair_state(std::uint64_t index) {
  repairs_.note_repair(index, static_cast<std::uint64_t>(wall_ms()));
  const bool counted = co_await keep_repairs();
  if (!counted || closed_ || !members_)
    co_return;
  spdlog::critical("{}", msg::log_line("state_repair").with("index", index).str());
  group_plan plan;
  plan.self = members_->self;
  plan.cluster = members_->cluster;
  plan.move_files = [wal = config_.wal]() -> io_error {
    std::string kept_in;
    auto error = set_log_aside(wal, kept_in);
    spdlog::warn("{}", msg::log_line("log_set_aside").with("kept_in", kept_in).with("reason", error).str());
    return error;
  };
  equal_tried_ = 0;
  if (const auto error = co_await begin_life(std::move(plan)); !error.empty())
    spdlog::error("{}", msg::log_line("state_repair_failed").with("reason", error).str());
}

/// Nothing this member can do by itself is left: who is right is for people to find out.
awaitable<void> cluster_desk::stay_out(std::uint64_t index, state_comparison how) {
  if (stays_out_at_ == index && how.found != state_judgement::wrong)
    co_return; // what was found last says more
  const bool known = std::exchange(stays_out_at_, index) == index;
  const auto what = "the state of node " + state_->consensus_id + " differs from the majority's at index " +
                    std::to_string(index) + ", also after its log was set aside " +
                    std::to_string(repairs_.size()) + " times" +
                    (how.agreed.empty() ? "" : ": " + how.agreed);
  config_.verdict->trouble = what + "; " + state_advice;
  if (known)
    co_return;
  spdlog::critical("{}", msg::log_line("state_not_repaired")
                             .with("node", state_->consensus_id)
                             .with("index", index)
                             .with("what", what)
                             .with("advice", state_advice)
                             .str());
  if (repairs_.gave_up_at() == 0) {
    repairs_.note_given_up(index);
    co_await keep_repairs();
  }
}

} // namespace holdfast::node
