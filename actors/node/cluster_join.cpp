// The target's side of a join (ENR-*): the cluster proves itself before it is shown the token, refusals come
// before anything is touched, and whatever ends in between leaves a stand-alone node or a member.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/json_text.hpp"
#include "actors/node/reach.hpp"
#include "messages/log_line.hpp"
#include "net/signature.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto call_limit = 15s;
constexpr auto life_limit = 20s;
constexpr auto vote_limit = 30s;
constexpr std::size_t answer_limit = std::size_t{1} << 20;

/// What the other side said, or why there is no answer.
std::vector<std::string> messages_of(const net::client_response& from) {
  std::vector<std::string> out;
  rapidjson::Document doc;
  if (parse_object(from.body, doc)) {
    if (const auto at = doc.FindMember("Messages"); at != doc.MemberEnd() && at->value.IsArray()) {
      for (const auto& text : at->value.GetArray()) {
        if (text.IsString())
          out.emplace_back(text.GetString(), text.GetStringLength());
      }
    }
  }
  if (out.empty())
    out.push_back("it answered with status " + std::to_string(from.status));
  return out;
}

} // namespace

/// Whoever holds a root's key and the certificate this connection shows is the cluster; before that it is
/// told nothing.
awaitable<std::string> cluster_desk::prove(net::http_client& client, const net::http_url& url,
                                           const std::vector<msg::trust_root>& roots,
                                           std::string& fingerprint) {
  const auto nonce = net::random_hex(32);
  net::client_request request;
  request.method = "POST";
  request.target = "/api/v3/system/consensus/prove";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = json_object().text("Nonce", nonce).take();
  const auto response = co_await client.send(url, request, call_limit, answer_limit);
  if (response.failure)
    co_return response.failure.message;
  rapidjson::Document doc;
  if (response.status != 200 || !parse_object(response.body, doc))
    co_return messages_of(response).front();
  fingerprint = client.last_fingerprint();
  const auto raw = net::from_base64(text_at(doc, "Signature")).value_or("");
  const std::vector<std::uint8_t> signature(raw.begin(), raw.end());
  for (const auto& root : roots) {
    if (net::signature_holds(to_certificate(root), proof_text(nonce, fingerprint), signature))
      co_return std::string{};
  }
  co_return "it cannot prove that it belongs to the cluster of the introduction: take a fresh introduction, "
            "and "
            "look who answers at that address";
}

awaitable<msg::cluster_answer> cluster_desk::tell_active(net::http_client& client, const join_intent& intent,
                                                         const std::string& phase) {
  const auto old = state_;
  state_ = std::make_shared<const msg::ha_state>(intent.state);
  auto record = own_record();
  state_ = old;
  record.raft_id = intent.raft_id.empty() ? intent.state.consensus_id : intent.raft_id;
  record.incarnation = intent.incarnation;
  record.joined_ms = static_cast<std::uint64_t>(wall_ms());
  msg::cluster_answer out;
  std::string why;
  const auto url = net::parse_url(intent.join_url, 8092, why);
  if (!url)
    co_return refused(422, "ConsensusJoin " + intent.join_url + ": " + why);
  net::client_request request;
  request.method = "POST";
  request.target = "/api/v3/system/consensus/members";
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Authorization", "Bearer " + intent.state.token);
  request.body = json_object()
                     .text("Phase", phase)
                     .raw("Record", to_json(record))
                     .text("HaID", intent.state.ha_id)
                     .flag("LoadBalanced", intent.state.load_balanced)
                     .text("VirtAddr", intent.state.virt_addr)
                     .number("Protocol", member_protocol)
                     .take();
  const auto response = co_await client.send(*url, request, call_limit, answer_limit);
  if (response.failure) {
    out = refused(response.failure.sent ? 504 : 503,
                  "The active node at " + intent.join_url + " does not answer: " + response.failure.message);
  } else if (response.status >= 400) {
    out = refused(response.status, messages_of(response));
  } else {
    out.json = response.body;
  }
  co_return out;
}

net::peer_settings cluster_desk::trial_settings(const msg::ha_state& posted) const {
  std::string why;
  net::peer_settings out;
  out.cluster_id = trial_cluster;
  out.node_id = state_->consensus_id;
  if (const auto own = net::parse_address(posted.consensus_addr, why))
    out.own = *own;
  return out;
}

/// What the operator's settings make of this node's own state.
msg::ha_state cluster_desk::joined_state(const msg::ha_state& posted) const {
  auto next = *state_;
  next.enabled = true;
  next.consensus_enabled = true;
  next.ha_id = posted.ha_id;
  next.load_balanced = posted.load_balanced;
  next.virt_addr = posted.virt_addr;
  next.virt_interface = posted.virt_interface;
  next.virt_interface_script = posted.virt_interface_script;
  next.consensus_addr = posted.consensus_addr;
  next.consensus_join = posted.consensus_join;
  next.active_uri = posted.active_uri;
  next.observer = posted.observer;
  next.roots = posted.roots;
  next.token = posted.token;
  next.passive = true;
  if (next.api_url.empty())
    next.api_url = https_url(parse_endpoint(posted.consensus_addr)->address, config_.api_port);
  return next;
}

awaitable<msg::cluster_answer> cluster_desk::join(msg::ha_state posted) {
  join_intent intent;
  intent.before = *state_;
  intent.old_raft_id = own_raft_id();
  intent.join_url = posted.consensus_join;
  intent.state = joined_state(posted);
  std::string why;
  const auto url = net::parse_url(intent.join_url, 8092, why);
  if (!url)
    co_return refused(422, "ConsensusJoin " + intent.join_url + ": " + why);
  std::string unfit;
  try {
    (void)make_credentials(posted.roots, state_->consensus_id, posted.consensus_addr);
  } catch (const std::exception& error) {
    unfit = error.what();
  }
  if (!unfit.empty())
    co_return refused(422, "Roots cannot be used: " + unfit +
                               ": take a fresh introduction from the cluster as a superuser");
  net::http_client client(config_.executor, {});
  if (const auto error = co_await prove(client, *url, posted.roots, intent.fingerprint); !error.empty())
    co_return refused(502, "The node at " + intent.join_url + " was not accepted as the cluster: " + error);
  net::http_client_options pinned;
  pinned.verify = net::verify_mode::fingerprint;
  pinned.fingerprint = intent.fingerprint;
  client.reconfigure(pinned);

  const auto agreed = co_await agree(client, intent, posted);
  if (agreed.status >= 400)
    co_return agreed;
  intent.backup_dir = fmt::format("backup/{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
  if (const auto error = co_await enter(intent); !error.empty()) {
    co_await tell_active(client, intent, "cancel");
    co_return refused(500, error);
  }
  const auto added = co_await tell_active(client, intent, "add");
  if (added.status >= 400 && added.status != 504) {
    const auto back = co_await go_back(intent);
    co_return back.empty() ? added : refused(500, back);
  }
  co_return co_await await_vote(intent);
}

/// Nothing is touched yet: the active judges this node, and every pair of addresses is tried both ways
/// (ENR-14).
awaitable<msg::cluster_answer> cluster_desk::agree(net::http_client& client, join_intent& intent,
                                                   const msg::ha_state& posted) {
  auto settings = trial_settings(posted);
  std::optional<net::peer_credentials> shown;
  std::optional<reach_door> door;
  std::string unfit;
  try {
    shown = make_credentials(posted.roots, state_->consensus_id, posted.consensus_addr);
    door.emplace(config_.executor, settings, *shown);
  } catch (const std::exception& error) {
    unfit = error.what();
  }
  if (!unfit.empty())
    co_return refused(422, "This node cannot show itself on " + posted.consensus_addr +
                               " with the roots of the introduction: " + unfit);
  auto checked = co_await tell_active(client, intent, "check");
  rapidjson::Document doc;
  if (checked.status < 400 && !parse_object(checked.json, doc))
    checked = refused(502, "The active node's answer cannot be read");
  if (checked.status >= 400)
    co_return checked;
  intent.cluster_id = text_at(doc, "ClusterID");
  intent.raft_id = text_at(doc, "RaftID");
  intent.incarnation = number_at(doc, "Incarnation");
  if (const auto list = doc.FindMember("Members"); list != doc.MemberEnd() && list->value.IsArray()) {
    for (const auto& item : list->value.GetArray())
      intent.members.push_back(
          {text_at(item, "RaftID"), text_at(item, "ConsensusAddr"), text_at(item, "ApiUrl")});
  }
  door.reset();
  settings.cluster_id = intent.cluster_id;
  std::string why;
  for (const auto& member : intent.members) {
    const auto where = net::parse_address(member.consensus_addr, why);
    auto error = why;
    if (where)
      error = co_await try_reach(config_.executor, settings, *shown, member.raft_id, *where);
    if (error.empty())
      continue;
    co_await tell_active(client, intent, "cancel");
    co_return refused(422, "This node (" + posted.consensus_addr + ") cannot reach member " +
                               member.consensus_addr + ": " + error +
                               ": open that path both ways, or remove that member if it is gone for good, "
                               "then repeat the command");
  }
  co_return checked;
}

/// The cluster was asked to take this node in; whether it did is found out by finish_join().
awaitable<msg::cluster_answer> cluster_desk::await_vote(const join_intent& intent) {
  enrolling_ = false; // join_ keeps others out from here on
  const auto deadline = std::chrono::steady_clock::now() + vote_limit;
  while ((join_ || undoing_) && std::chrono::steady_clock::now() < deadline && !closed_) {
    poke();
    co_await rest(50ms);
  }
  if (!join_ && !state_->consensus_enabled)
    co_return refused(503,
                      "The cluster did not take this node in, which stands alone again with its old data: "
                      "look at the cluster, then repeat the command");
  msg::cluster_answer out;
  out.json = to_json(*state_, msg::secrets::keep);
  if (join_) {
    out.status = 202;
    spdlog::info("{}", msg::log_line("join_catching_up").with("raft_id", intent.raft_id).str());
  }
  co_return out;
}

/// From here on the old data stand in the backup; the intent on disk says how to go on or back.
awaitable<std::string> cluster_desk::enter(join_intent intent) {
  const auto root = config_.base_root;
  auto save = [root, intent] {
    auto next = intent;
    next.phase = join_phase::prepared;
    return save_join_intent(real_files(), root, next);
  };
  if (const auto error = co_await on_files(std::move(save)); !error.empty())
    co_return "The intent to join could not be saved: " + error;
  group_plan plan;
  plan.self = raft::parse_node_id(intent.raft_id).value_or(raft::node_id{});
  plan.cluster = raft::parse_cluster_id(intent.cluster_id).value_or(raft::cluster_id{});
  plan.founder = false;
  plan.move_files = [root, intent]() mutable -> io_error {
    intent.phase = join_phase::moving;
    if (auto error = save_join_intent(real_files(), root, intent); !error.empty())
      return error;
    if (auto error = move_to_backup(root, intent.backup_dir); !error.empty())
      return error;
    spdlog::info("{}", msg::log_line("data_backed_up").with("path", root + "/" + intent.backup_dir).str());
    const member_identity who{intent.state.consensus_id, intent.raft_id, intent.incarnation};
    if (auto error = save_member_identity(real_files(), root, who); !error.empty())
      return error;
    intent.phase = join_phase::waiting;
    return save_join_intent(real_files(), root, intent);
  };
  config_.incarnation = intent.incarnation;
  intent.phase = join_phase::waiting;
  join_ = intent;
  told_out_ = links_off_ = false;
  repairs_ = {}; // of the state that went into the backup
  if (const auto error = co_await begin_life(std::move(plan)); !error.empty()) {
    const auto back = co_await go_back(intent);
    co_return error + (back.empty() ? "" : "; " + back);
  }
  if (const auto error = co_await keep_state(intent.state); !error.empty())
    co_return "The new state could not be saved: " + error;
  co_return co_await set_up_links();
}

/// Ends the consensus group and waits until its next life has spoken.
awaitable<std::string> cluster_desk::begin_life(group_plan plan) {
  const auto expected = plan.self;
  config_.plan_next_life(std::move(plan));
  members_.reset();
  facts_ = {};
  config_.forget_feed();
  for (const std::string name : {"consensus", "api"}) {
    const auto killed =
        co_await config_.ask->ask(node_, 2s, msg::control_atom::value, std::string("kill"), name);
    if (!killed || !killed.value->empty())
      spdlog::warn("{}", msg::log_line("restart_for_join")
                             .with("name", name)
                             .with("reason", killed ? *killed.value : killed.error)
                             .str());
  }
  const auto deadline = std::chrono::steady_clock::now() + life_limit;
  while (!closed_ && std::chrono::steady_clock::now() < deadline) {
    if (members_ && members_->self == expected)
      co_return std::string{};
    co_await rest(10ms);
  }
  co_return "the consensus group did not come back; see the log";
}

awaitable<std::string> cluster_desk::go_back(join_intent intent) {
  const auto root = config_.base_root;
  group_plan plan;
  plan.self = raft::parse_node_id(intent.old_raft_id).value_or(raft::node_id{});
  plan.founder = true;
  plan.move_files = [root, intent]() mutable -> io_error {
    intent.phase = join_phase::moving; // a start in the middle of it takes back the rest
    if (auto error = save_join_intent(real_files(), root, intent); !error.empty())
      return error;
    if (auto error = restore_backup(root, intent.backup_dir); !error.empty())
      return error;
    return drop_join_intent(real_files(), root);
  };
  join_.reset();
  told_out_ = false;
  if (const auto error = co_await keep_state(intent.before); !error.empty())
    co_return "The old state could not be saved: " + error;
  co_await set_up_links();
  spdlog::warn("{}", msg::log_line("join_undone").with("backup", intent.backup_dir).str());
  co_return co_await begin_life(std::move(plan));
}

/// A voter with a record: the join is over.
awaitable<void> cluster_desk::finish_join(const msg::consensus_status& status) {
  if (!join_ || !members_)
    co_return;
  const msg::member_info* self = nullptr;
  for (const auto& member : members_->members)
    self = member.id == members_->self ? &member : self;
  const bool recorded = facts_.members.contains(state_->consensus_id);
  if (self != nullptr && self->votes && recorded) {
    const auto root = config_.base_root;
    auto error = co_await keep_state(*state_); // a start in the middle of the join had it in memory alone
    if (error.empty()) {
      auto drop = [root] { return drop_join_intent(real_files(), root); };
      error = co_await on_files(std::move(drop));
    }
    if (!error.empty()) {
      spdlog::error("{}", msg::log_line("join_file_stays").with("reason", error).str());
      co_return;
    }
    spdlog::info("{}", msg::log_line("joined").with("raft_id", join_->raft_id).str());
    join_.reset();
    again_ = true;
  } else if (!busy() && members_->removed) {
    co_await undo_join(*join_); // taken in, and out again before it had its vote
  } else if (!busy() && (members_->members.empty() || told_out_)) {
    co_await resume_join();
  } else if (self != nullptr && !recorded) {
    co_await announce(status); // the active ended between taking this node in and writing its record
  }
}

/// After a crash: the active says whether it took this node in (ENR-11).
awaitable<void> cluster_desk::resume_join() {
  const auto intent = *join_;
  for (const auto& member : intent.members) {
    msg::member_record who;
    who.raft_id = member.raft_id;
    who.api_url = member.api_url;
    const auto body = json_object().text("Verb", "joined").text("RaftID", intent.raft_id).take();
    const auto answer = co_await ask_member(who, body, 5s);
    rapidjson::Document doc;
    if (answer.status >= 400 || !parse_object(answer.json, doc) || !flag_at(doc, "Active"))
      continue;
    const bool may_be_out = members_ && (members_->members.empty() || told_out_);
    if (!flag_at(doc, "Member") && join_ && may_be_out)
      co_await undo_join(intent);
    co_return;
  }
}

/// Its old data are in the backup and come back, while no enrolment begins.
awaitable<void> cluster_desk::undo_join(join_intent intent) {
  undoing_ = true;
  const auto error = co_await go_back(std::move(intent));
  undoing_ = false;
  if (!error.empty())
    spdlog::error("{}", msg::log_line("join_not_undone").with("reason", error).str());
}

} // namespace holdfast::node
