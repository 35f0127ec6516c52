// A member whose state differs from the cluster's (WAL-06): it stopped serving when it noticed. Who is wrong,
// it or whoever proposed the state hash, is for the members to tell; only when a majority of them found
// themselves equal at that index does this one set its log aside and come back as a recovering member.
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

/// The voting members but this one, kept where they can be read when the log cannot.
awaitable<void> cluster_desk::keep_seeds() {
  if (!members_)
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

msg::cluster_answer cluster_desk::own_verdict() const {
  msg::cluster_answer out;
  out.json = json_object()
                 .number("Same", config_.verdict ? config_.verdict->same : 0)
                 .number("Differs", config_.verdict ? config_.verdict->differs : 0)
                 .take();
  return out;
}

awaitable<void> cluster_desk::judge_state() {
  if (!config_.verdict || config_.verdict->differs == 0 || !members_ || join_)
    co_return;
  const auto at = config_.verdict->differs;
  const auto members = members_;
  std::size_t voters = 0;
  std::size_t equal = 0;
  for (const auto& member : members->members) {
    voters += member.votes ? 1 : 0;
    if (!member.votes || member.id == members->self)
      continue;
    msg::member_record where;
    where.raft_id = to_string(member.id);
    where.api_url = api_url_of(where.raft_id, facts_, config_.seeds);
    const auto body = json_object().text("Verb", "verdict").take();
    const auto answer = co_await ask_member(where, body, 2s);
    rapidjson::Document doc;
    if (answer.status < 400 && parse_object(answer.json, doc) && number_at(doc, "Differs") == 0 &&
        number_at(doc, "Same") >= at)
      ++equal;
  }
  if (closed_ || equal < voters / 2 + 1 || config_.verdict->differs != at)
    co_return;
  spdlog::critical("{}", msg::log_line("state_repair")
                             .with("index", at)
                             .with("equal_members", equal)
                             .with("voters", voters)
                             .str());
  group_plan plan;
  plan.self = members->self;
  plan.cluster = members->cluster;
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
