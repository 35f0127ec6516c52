// A member whose state differs from the cluster's (WAL-06): it stopped serving when it noticed. Who is wrong,
// it or whoever proposed the state hash, is for the members to tell (state_judgement.hpp). Who is right
// serves again; who is wrong stops serving, hands the active role over, sets its log aside and comes back as
// a recovering member.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/json_text.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::node {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

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

awaitable<state_judgement> cluster_desk::compare_states(std::uint64_t index) {
  const auto own = config_.verdict->own_at(index);
  const auto members = members_;
  if (!own)
    co_return state_judgement::undecided;
  std::size_t voters = 0;
  std::vector<msg::state_digest> others;
  for (const auto& member : members->members) {
    voters += member.votes ? 1 : 0;
    if (!member.votes || member.id == members->self)
      continue;
    msg::member_record where;
    where.raft_id = to_string(member.id);
    where.api_url = api_url_of(where.raft_id, facts_, config_.seeds);
    const auto body = json_object()
                          .text("Verb", "verdict")
                          .number("Index", index)
                          .flag("Doubt", config_.verdict->differs == index)
                          .take();
    const auto answer = co_await ask_member(where, body, 2s);
    rapidjson::Document doc;
    if (answer.status < 400 && parse_object(answer.json, doc) && flag_at(doc, "Known"))
      others.push_back({number_at(doc, "Commands"), number_at(doc, "Contents")});
  }
  co_return judge_state(*own, others, voters);
}

awaitable<void> cluster_desk::judge_state_if_doubted() {
  if (!config_.verdict || !members_ || join_)
    co_return;
  const auto doubted = std::exchange(doubted_, 0);
  const auto at = config_.verdict->differs != 0 ? config_.verdict->differs : doubted;
  if (at == 0)
    co_return;
  const auto found = co_await compare_states(at);
  const bool mine = config_.verdict->differs == at; // else it is the other one's doubt
  if (closed_ || !members_ || found == state_judgement::undecided)
    co_return;
  if (found == state_judgement::right || !mine) {
    if (mine || found == state_judgement::wrong)
      caf::anon_send(config_.judged_replay, msg::judged_atom::value, at, found == state_judgement::right);
    again_ = again_ || found == state_judgement::wrong;
    co_return;
  }
  if (role_.role == raft::role::leader)
    co_return; // another one takes over first: it serves nobody since it is in doubt
  spdlog::critical("{}", msg::log_line("state_repair").with("index", at).str());
  group_plan plan;
  plan.self = members_->self;
  plan.cluster = members_->cluster;
  plan.move_files = [wal = config_.wal]() -> io_error {
    std::string kept_in;
    auto error = set_log_aside(wal, kept_in);
    spdlog::warn("{}", msg::log_line("log_set_aside").with("kept_in", kept_in).with("reason", error).str());
    return error;
  };
  if (const auto error = co_await begin_life(std::move(plan)); !error.empty())
    spdlog::error("{}", msg::log_line("state_repair_failed").with("reason", error).str());
}

} // namespace holdfast::node
