// Calls about a running cluster: introduction, removal, hand-over, fail-over safety, and what members ask of
// one another.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/json_text.hpp"
#include "messages/log_line.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr std::uint64_t transfer_limit_ms = 2000;
constexpr auto safe_margin = 400ms;
/// What the active may take: reachability, the change and its fate, the record.
constexpr auto remove_limit = 35s;

} // namespace

/// GlobalHaState with its secrets; every key is there (a client decodes it over what it has).
awaitable<msg::cluster_answer> cluster_desk::introduction() {
  const auto kept = state_; // another one may be in its place before the answer comes
  const auto& state = *kept;
  const auto raw = co_await status();
  const auto* to_join = active_record(raw);
  std::string hostname;
  if (facts_.global)
    hostname = facts_.global->server_hostname;
  msg::cluster_answer out;
  out.json = json_object()
                 .flag("LoadBalanced", state.load_balanced)
                 .flag("Enabled", state.enabled)
                 .flag("ConsensusEnabled", state.consensus_enabled)
                 .text("ConsensusJoin", to_join != nullptr ? to_join->api_url : state.consensus_join)
                 .text("VirtAddr", state.virt_addr)
                 .text("ServerHostname", hostname)
                 .text("ActiveUri", state.active_uri)
                 .text("Token", state.token)
                 .text("HaID", state.ha_id)
                 .flag("Valid", state.valid)
                 .raw("Roots", msg::to_json(state.roots))
                 .take();
  co_return out;
}

/// Over the API port under the cluster's own certificates.
awaitable<msg::cluster_answer> cluster_desk::ask_member(const msg::member_record& who,
                                                        const std::string& body,
                                                        std::chrono::milliseconds time) {
  std::string why;
  auto url = net::parse_url(who.api_url, 8092, why);
  if (!url || !credentials_)
    co_return refused(503, "member " + who.consensus_id + " cannot be asked: " + why);
  url->node = who.raft_id;
  net::http_client_options options;
  options.verify = net::verify_mode::cluster_roots;
  options.roots = credentials_->roots;
  options.own = credentials_->own;
  if (const auto own = parse_endpoint(state_->consensus_addr))
    options.bind_ip = own->address;
  net::http_client client(config_.executor, options);
  net::client_request request;
  request.method = "POST";
  request.target = "/api/v3/system/consensus/member";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = body;
  const auto where = *url;
  const auto response = co_await client.send(where, request, time, std::size_t{1} << 20);
  msg::cluster_answer out;
  if (response.failure.sent)
    co_return refused(504, response.failure.message + ": whether it was done is not known; look at the state "
                                                      "before the command is repeated");
  if (response.failure)
    co_return refused(503, response.failure.message);
  out.status = response.status;
  out.json = response.body;
  if (response.status >= 400) {
    rapidjson::Document doc;
    if (parse_object(response.body, doc) && doc.HasMember("Messages") && doc["Messages"].IsArray()) {
      for (const auto& text : doc["Messages"].GetArray()) {
        if (text.IsString())
          out.messages.emplace_back(text.GetString(), text.GetStringLength());
      }
    }
  }
  co_return out;
}

/// The same call on the node that can do it.
awaitable<msg::cluster_answer> cluster_desk::relay_to_active(const std::string& verb,
                                                             const std::string& argument,
                                                             std::chrono::milliseconds limit) {
  const auto raw = co_await status();
  const auto* active = facts_.by_raft_id(raw.active_id);
  if (active == nullptr || raw.active_id == raw.node_id)
    co_return refused(503, "The cluster has no active node now: try again in a moment");
  const auto where = *active;
  const auto body = json_object().text("Verb", verb).text("Argument", argument).take();
  co_return co_await ask_member(where, body, limit);
}

/// What fellow members ask; the caller is the member its certificate names.
awaitable<msg::cluster_answer> cluster_desk::from_member(call_t call) {
  rapidjson::Document doc;
  if (call.peer_node.empty())
    co_return refused(401, "This is for members of the cluster");
  if (!parse_object(call.body, doc))
    co_return refused(400, "The request cannot be read");
  const auto verb = text_at(doc, "Verb");
  const auto raw = co_await status();
  const bool active = !raw.active_id.empty() && raw.active_id == raw.node_id;
  msg::cluster_answer out;
  out.json = "{}";
  if (verb == "joined") {
    const auto id = text_at(doc, "RaftID");
    const bool member = std::find(raw.members.begin(), raw.members.end(), id) != raw.members.end();
    out.json = json_object().flag("Active", active).flag("Member", member).take();
    co_return out;
  }
  if (std::find(raw.members.begin(), raw.members.end(), call.peer_node) == raw.members.end())
    co_return refused(403, "You are not a member of this cluster (any more)");
  if (verb == "verdict")
    co_return own_verdict(number_at(doc, "Index"), flag_at(doc, "Doubt"));
  msg::cluster_call inner;
  inner.verb = verb;
  inner.argument = text_at(doc, "Argument");
  inner.principal = "system";
  if (verb == "reach") {
    const auto error = co_await reach(text_at(doc, "Node"), text_at(doc, "Address"));
    co_return error.empty() ? out : refused(422, error);
  }
  if (!active)
    co_return refused(503, "This node is not the active one (any more)");
  if (verb == "record") {
    msg::member_record record;
    const auto at = doc.FindMember("Record");
    if (at == doc.MemberEnd() || !msg::parse_record(json_of(at->value), record) ||
        record.raft_id != call.peer_node)
      co_return refused(400, "Not the sender's own record");
    msg::transaction tx;
    tx.mutations.push_back(
        {std::string(msg::cluster_prefix), msg::member_key(record.consensus_id), to_json(record)});
    const auto written = co_await write(std::move(tx));
    co_return written.status == msg::write_status::applied ? out : refused(503, written.reason);
  }
  if (verb == "remove")
    co_return co_await remove(inner);
  if (verb == "transfer")
    co_return co_await transfer(inner);
  if (verb == "safe")
    co_return co_await fail_over_safe(inner);
  if (verb == "ticket") {
    inner.body = inner.argument;
    co_return co_await make_ticket(inner);
  }
  co_return refused(404, "no such call");
}

/// REM-06: would those that are left, as far as they answer right now, still make a majority? Empty, or why
/// not.
awaitable<std::string> cluster_desk::strands(const std::string& leaving, const msg::consensus_status& raw) {
  const auto asked = co_await config_.ask->ask(config_.links, 500ms, msg::status_atom::value);
  std::size_t voters = 0;
  std::size_t answering = 0;
  for (const auto& member : members_ ? members_->members : std::vector<msg::member_info>{}) {
    const auto id = to_string(member.id);
    if (!member.votes || id == leaving)
      continue;
    ++voters;
    bool up = id == raw.node_id;
    if (asked && !up) {
      for (const auto& row : *asked.value)
        up = up || (row.peer == id && row.up);
      for (const auto& row : raw.progress)
        up = up && (row.id != id || row.silent_ms < config_.limits.election_timeout_min.count());
    }
    answering += up ? 1 : 0;
  }
  if (answering >= voters / 2 + 1)
    co_return std::string{};
  co_return "The " + std::to_string(voters) + " voting members that would be left are a majority only with " +
      std::to_string(voters / 2 + 1) + ", and " + std::to_string(answering) +
      " of them answer: the cluster would stop. Bring the others back, or remove those that are gone first "
      "(?force=true only if they never come back)";
}

/// REM-01..09. `argument`: ConsensusID or ConsensusAddr; a trailing "!" forces.
awaitable<msg::cluster_answer> cluster_desk::remove(call_t call) {
  auto wanted = call.argument;
  const bool force = wanted.ends_with('!');
  if (force)
    wanted.pop_back();
  const auto raw = co_await status();
  const msg::member_record* found = nullptr;
  for (const auto& [id, record] : facts_.members) {
    if (id == wanted || record.consensus_addr == wanted)
      found = &record;
    else if (!record.drp_id.empty() && record.drp_id == wanted) // REM-02
      co_return refused(404, wanted + " is the id of the server whose ConsensusID is " + id +
                                 ": remove takes the ConsensusID");
  }
  const bool alone = found == nullptr && wanted == state_->consensus_id;
  if (found == nullptr && !alone) // REM-08
    co_return refused(404, "No such member: " + wanted +
                               "; system/consensus/peers (ha peers) lists them by ConsensusID");
  if (alone || found->raft_id == raw.active_id) // REM-04
    co_return refused(409, "This is the active node and cannot be removed; fail over to another member first "
                           "(ha transfer)");
  if (raw.active_id != raw.node_id || raw.active_id.empty())
    co_return co_await relay_to_active("remove", call.argument, remove_limit);
  const auto record = *found;
  std::string stranded;
  if (!force)
    stranded = co_await strands(record.raft_id, raw);
  if (!stranded.empty())
    co_return refused(409, stranded);
  raft::membership_change change;
  change.kind = raft::change_kind::remove;
  change.id = raft::parse_node_id(record.raft_id).value_or(raft::node_id{});
  change.force = force;
  const auto done = co_await change_members_surely(change);
  if (done.unknown)
    co_return refused(504,
                      "Whether the member was removed is not known yet: " + done.reason +
                          ": look at the peers once the cluster has an active node, then repeat the command");
  if (!done.done) {
    const auto seen = co_await status(); // the same was asked twice, and the other one did it
    const bool gone = !seen.node_id.empty() && std::find(seen.members.begin(), seen.members.end(),
                                                         record.raft_id) == seen.members.end();
    if (!gone)
      co_return refused(409, "The member was not removed: " + done.reason +
                                 " (repeat with ?force=true only if the others are gone for good)");
  }
  msg::transaction tx;
  tx.principal = call.principal;
  tx.mutations.push_back(
      {std::string(msg::cluster_prefix), msg::member_key(record.consensus_id), std::nullopt});
  co_await write(std::move(tx)); // the leader's own look completes it otherwise
  const auto left = members_ ? members_->members.size() : 0;
  spdlog::info("{}", msg::log_line("member_removed")
                         .with("member", record.consensus_id)
                         .with("address", record.consensus_addr)
                         .with("warning", size_warning(left))
                         .str());
  msg::cluster_answer out;
  out.json = json_object()
                 .text("ConsensusID", record.consensus_id)
                 .text("ConsensusAddr", record.consensus_addr)
                 .text("Warning", size_warning(left))
                 .take();
  co_return out;
}

/// Planned hand-over to `argument` (ConsensusID; empty: the best candidate). Answers with the new active's
/// id.
awaitable<msg::cluster_answer> cluster_desk::transfer(call_t call) {
  const auto raw = co_await status();
  if (!state_->consensus_enabled)
    co_return refused(409, "This node is not in a cluster: there is nobody to hand over to");
  if (raw.active_id.empty() || raw.active_id != raw.node_id)
    co_return co_await relay_to_active("transfer", call.argument);
  raft::node_id target;
  if (!call.argument.empty()) {
    const auto found = facts_.members.find(call.argument);
    if (found == facts_.members.end())
      co_return refused(404, "No such member: " + call.argument + "; ha peers lists them by ConsensusID");
    if (found->second.observer)
      co_return refused(409, call.argument + " is an observer and can never be active");
    if (found->second.raft_id == raw.node_id) {
      msg::cluster_answer same;
      same.json = json_string(state_->consensus_id);
      co_return same;
    }
    target = raft::parse_node_id(found->second.raft_id).value_or(raft::node_id{});
  }
  const auto done =
      co_await config_.ask->ask(config_.consensus, 5s, msg::transfer_atom::value, target, transfer_limit_ms);
  const auto why = done ? done.value->reason : done.error;
  const bool surely_not = done ? !done.value->unknown : done.status == runtime::ask_status::dead;
  if (!done && surely_not)
    co_return refused(503, "Leadership was not handed over: " + why + ": try again in a moment");
  if (!surely_not && !(done && done.value->done))
    co_return refused(504, "Whether leadership was handed over is not known: " + why +
                               ": see which node is active (ha active) before you repeat it");
  if (!done.value->done)
    co_return refused(409, "Leadership was not handed over: " + why);
  const auto deadline = std::chrono::steady_clock::now() + 3s;
  auto after = co_await status();
  while (std::chrono::steady_clock::now() < deadline && !closed_ &&
         (after.active_id.empty() || after.active_id == raw.node_id)) {
    co_await rest(5ms);
    after = co_await status();
  }
  if (after.active_id.empty())
    co_return refused(504, "Leadership was handed over, but no node became active within 3 s: see ha active "
                           "and ha doctor");
  msg::cluster_answer out;
  out.json = json_string(to_consensus_id(after.active_id));
  co_return out;
}

/// A passive asks for the role: the active hands it over to the one that asks.
awaitable<msg::cluster_answer> cluster_desk::take_role(call_t call) {
  msg::cluster_call to_me = call;
  to_me.verb = "transfer";
  to_me.argument = state_->consensus_id;
  co_return co_await transfer(to_me);
}

/// STA-07, -08: some ordinary member other than the active holds everything. `argument`: milliseconds to
/// wait.
awaitable<msg::cluster_answer> cluster_desk::fail_over_safe(call_t call) {
  std::int64_t wait = 0;
  for (const char c : call.argument)
    wait = c >= '0' && c <= '9' && wait < 100'000 ? wait * 10 + (c - '0') : wait;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait);
  msg::cluster_answer out;
  out.json = "false";
  auto raw = co_await status();
  if (raw.active_id != raw.node_id && !raw.active_id.empty()) {
    // STA-10: an active that does not answer is no reason to keep anybody waiting.
    const auto limit = std::chrono::milliseconds(wait) + safe_margin;
    const auto told = co_await relay_to_active("safe", call.argument, limit);
    if (told.status < 400)
      out.json = told.json;
    co_return out;
  }
  while (!raw.active_id.empty() && !closed_) {
    for (const auto& row : raw.progress) {
      const auto* record = facts_.by_raft_id(row.id);
      const bool ordinary = record != nullptr && !record->observer;
      const bool votes = members_ && std::any_of(members_->members.begin(), members_->members.end(),
                                                 [&](const msg::member_info& member) {
                                                   return to_string(member.id) == row.id && member.votes;
                                                 });
      if (ordinary && votes && row.match >= raw.last_index && row.silent_ms < 1000)
        out.json = "true";
    }
    if (out.json == "true" || std::chrono::steady_clock::now() >= deadline)
      break;
    co_await rest(20ms);
    raw = co_await status();
  }
  co_return out;
}

} // namespace holdfast::node
