// The cluster's side of an enrolment: proving itself, judging the candidate, taking it in; join tickets.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/json_text.hpp"
#include "actors/node/reach.hpp"
#include "messages/log_line.hpp"
#include "net/signature.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto admission_limit = 60s;
constexpr std::uint64_t ticket_life_s = 10 * 60; ///< unless a shorter one is asked for

bool read_candidate(const std::string& body, candidate& out, std::string& phase) {
  rapidjson::Document doc;
  if (!parse_object(body, doc))
    return false;
  const auto record = doc.FindMember("Record");
  if (record == doc.MemberEnd() || !msg::parse_record(json_of(record->value), out.record))
    return false;
  phase = text_at(doc, "Phase");
  out.ha_id = text_at(doc, "HaID");
  out.load_balanced = flag_at(doc, "LoadBalanced");
  out.virt_addr = text_at(doc, "VirtAddr");
  out.protocol = number_at(doc, "Protocol");
  return true;
}

/// Without a vote, at the newcomer's address, under another id.
std::optional<raft::node_id> stale_learner(const msg::members_ptr& members,
                                           const raft::membership_change& newcomer) {
  if (members) {
    for (const auto& member : members->members) {
      if (!member.votes && member.address == newcomer.address && member.id != newcomer.id)
        return member.id;
    }
  }
  return std::nullopt;
}

/// The member a change wants is there already.
bool has_learner_or_voter(const msg::members_ptr& members, const raft::membership_change& wanted) {
  return members &&
         std::any_of(members->members.begin(), members->members.end(), [&](const msg::member_info& member) {
           return member.id == wanted.id && member.address == wanted.address;
         });
}

/// Without the records nobody stands behind any more, which the leader takes out when it comes to it.
msg::cluster_facts members_only(msg::cluster_facts facts, const msg::members_info& members) {
  std::erase_if(facts.members, [&](const auto& known) {
    return std::none_of(members.members.begin(), members.members.end(), [&](const msg::member_info& member) {
      return to_string(member.id) == known.second.raft_id;
    });
  });
  return facts;
}

std::string ticket_text(const std::string& id, const std::string& nonce, const std::string& fingerprint) {
  return "holdfast-ticket|" + id + "|" + nonce + "|" + fingerprint;
}

} // namespace

std::vector<std::string> find_expired_tickets(const msg::object_view& view, std::uint64_t now_ms) {
  std::vector<std::string> out;
  const auto first = msg::ticket_key("");
  view.scan(msg::cluster_prefix, first, [&](std::string_view key, const msg::object_ref& object) {
    msg::ticket_record ticket;
    const bool is_ticket = key.starts_with(first);
    if (is_ticket && (!msg::parse_record(object->json, ticket) || ticket.expires_ms < now_ms))
      out.emplace_back(key);
    return is_ticket;
  });
  return out;
}

/// A handshake from this node's consensus address with the candidate's door. Empty, or why not.
awaitable<std::string> cluster_desk::reach(std::string candidate_id, std::string address) {
  std::string why;
  const auto where = net::parse_address(address, why);
  const auto own = net::parse_address(state_->consensus_addr, why);
  if (!where || !own)
    co_return why;
  if (!credentials_)
    co_return "this member has no links yet: try again in a moment";
  net::peer_settings settings;
  settings.cluster_id = trial_cluster;
  settings.node_id = own_raft_id();
  settings.own = *own;
  const auto shown = *credentials_; // they may be renewed meanwhile
  co_return co_await try_reach(config_.executor, settings, shown, candidate_id, *where);
}

/// Open to everybody: it says nothing but that this node holds the cluster's root key.
awaitable<msg::cluster_answer> cluster_desk::show_proof(call_t call) {
  rapidjson::Document doc;
  const auto nonce = parse_object(call.body, doc) ? text_at(doc, "Nonce") : std::string();
  if (nonce.size() < 16 || nonce.size() > 128)
    co_return refused(400, "Nonce must have 16 to 128 characters");
  if (!state_->consensus_enabled || state_->roots.empty())
    co_return refused(409, "This node is not in a cluster");
  const auto root = to_credential(state_->roots.front());
  const auto signature = net::sign(root.key, proof_text(nonce, config_.api_fingerprint()));
  msg::cluster_answer out;
  out.json = json_object()
                 .text("Signature",
                       net::to_base64({reinterpret_cast<const char*>(signature.data()), signature.size()}))
                 .text("Root", state_->roots.front().data.front())
                 .take();
  co_return out;
}

/// One candidate at a time (ENR-16): from its check until it was added, gave up, or took too long.
awaitable<msg::cluster_answer> cluster_desk::admit(call_t call) {
  const auto now_ms = static_cast<std::uint64_t>(wall_ms());
  const auto& token = facts_.token;
  const bool known = (!token.current.empty() && net::same_secret(call.bearer, token.current)) ||
                     (!token.previous.empty() && now_ms < token.previous_until_ms &&
                      net::same_secret(call.bearer, token.previous));
  if (!known)
    co_return refused(401, "The cluster token is not valid: take a fresh introduction from the cluster");
  candidate who;
  std::string phase;
  if (!read_candidate(call.body, who, phase))
    co_return refused(400, "The candidate's record cannot be read");
  const auto raw = co_await status();
  if (raw.active_id.empty() || raw.active_id != raw.node_id) { // ENR-13
    const auto* active = facts_.by_raft_id(raw.active_id);
    co_return refused(active != nullptr ? 409 : 503,
                      active != nullptr
                          ? "This node is not the active one, which is " + active->consensus_id + " at " +
                                active->api_url + ": enroll there"
                          : "The cluster has no active node now: try again in a moment");
  }
  const auto now = std::chrono::steady_clock::now();
  const bool taken = admitting_ && now < admission_ends_ && admitted_ != who.record.consensus_id;
  if (taken)
    co_return refused(409,
                      "The cluster is busy with enrolling " + admitted_ + ": try again when that is done");
  if (phase == "cancel") {
    admitting_ = false;
    msg::cluster_answer out;
    out.json = "{}";
    co_return out;
  }
  if (phase == "check") {
    admitting_ = true;
    admitted_ = who.record.consensus_id;
    admission_ends_ = now + admission_limit;
    const auto mine = ++admission_;
    auto out = co_await admit_check(who);
    if (mine == admission_)
      admitting_ = out.status < 400;
    co_return out;
  }
  if (phase != "add" || !admitting_ || admitted_ != who.record.consensus_id)
    co_return refused(409, "No admission is under way for this node: begin again");
  admission_ends_ = now + admission_limit;
  const auto mine = admission_;
  auto out = co_await admit_add(who);
  if (mine == admission_)
    admitting_ = false;
  co_return out;
}

awaitable<msg::cluster_answer> cluster_desk::admit_check(const candidate& who) {
  const auto read =
      co_await config_.ask->ask(config_.replay, 5s, msg::read_atom::value, msg::consistency::linear);
  if (!read || !read.value->view)
    co_return refused(503, "The cluster cannot be read now: try again in a moment");
  if (!members_ || members_->joint)
    co_return refused(409, "The membership is changing right now: try again in a moment");
  const auto cluster = members_only(msg::read_cluster_facts(*read.value->view), *members_);
  const auto reasons = refuse_candidate(who, cluster, own_record(), config_.limits.max_members);
  if (!reasons.empty())
    co_return refused(422, reasons);
  auto allowed = co_await entitled(state_->ha_id, who.record); // ENR-06
  if (allowed.status >= 400)
    co_return allowed;
  const auto& address = who.record.consensus_addr;
  if (const auto error = co_await reach(who.record.consensus_id, address); !error.empty()) // ENR-14
    co_return refused(422, "Member " + state_->consensus_addr + " cannot reach the node at " + address +
                               ": " + error + ": open that path both ways, then repeat the command");
  std::vector<std::string> list;
  const auto members = members_; // they may change while one is asked
  for (const auto& member : members->members) {
    const auto id = to_string(member.id);
    const auto* record = cluster.by_raft_id(id);
    list.push_back(json_object()
                       .text("RaftID", id)
                       .text("ConsensusAddr", member.address)
                       .text("ApiUrl", record != nullptr ? record->api_url : "")
                       .take());
    if (record == nullptr || id == own_raft_id() || !link_up_[id])
      continue; // a member that is down may be enrolled around
    const auto where = *record;
    const auto body = json_object()
                          .text("Verb", "reach")
                          .text("Node", who.record.consensus_id)
                          .text("Address", address)
                          .take();
    const auto seen = co_await ask_member(where, body, 5s);
    if (seen.status == 422)
      co_return refused(422, "Member " + where.consensus_addr + " cannot reach the node at " + address +
                                 ": " + (seen.messages.empty() ? "" : seen.messages.front()) +
                                 ": open that path both ways, then repeat the command");
  }
  std::uint64_t incarnation = 1;
  const auto used = [&](const std::string& id) {
    const auto gone = std::any_of(members->gone.begin(), members->gone.end(),
                                  [&](raft::node_id other) { return to_string(other) == id; });
    return gone || std::any_of(members->members.begin(), members->members.end(),
                               [&](const msg::member_info& other) { return to_string(other.id) == id; });
  };
  while (used(raft_id_of(who.record.consensus_id, incarnation)))
    ++incarnation;
  msg::cluster_answer out;
  out.json = json_object()
                 .text("ClusterID", to_string(members->cluster))
                 .text("RaftID", raft_id_of(who.record.consensus_id, incarnation))
                 .number("Incarnation", incarnation)
                 .raw("Members", json_list(list))
                 .take();
  co_return out;
}

/// Learner first, so that nobody waits for a member that has yet to catch up (ENR-12); the leader promotes
/// it.
awaitable<msg::cluster_answer> cluster_desk::admit_add(const candidate& who) {
  raft::membership_change change;
  change.kind = raft::change_kind::add_learner;
  change.id = raft::parse_node_id(who.record.raft_id).value_or(raft::node_id{});
  change.address = who.record.consensus_addr;
  change.observer = who.record.observer;
  if (who.record.raft_id != raft_id_of(who.record.consensus_id, who.record.incarnation))
    co_return refused(400, "RaftID does not follow from ConsensusID and Incarnation");
  if (const auto stale = stale_learner(members_, change)) { // of an attempt that was given up
    raft::membership_change undo;
    undo.kind = raft::change_kind::remove;
    undo.id = *stale;
    co_await change_members(undo);
  }
  msg::admin_result added;
  added.done = has_learner_or_voter(members_, change); // asked for once more
  if (!added.done)
    added = co_await change_members_surely(change);
  if (added.unknown)
    co_return refused(504, "Whether the node was taken in is not known yet: " + added.reason +
                               ": it finds out by itself once the cluster has an active node");
  if (!added.done)
    co_return refused(409, "The node could not be added: " + added.reason);
  msg::transaction tx;
  tx.mutations.push_back(
      {std::string(msg::cluster_prefix), msg::member_key(who.record.consensus_id), to_json(who.record)});
  const auto written = co_await write(std::move(tx));
  const auto after = co_await status();
  const bool still_active = !after.active_id.empty() && after.active_id == after.node_id;
  const bool lost =
      written.status != msg::write_status::applied && written.status != msg::write_status::unknown;
  if (lost && still_active) { // another one's active lets the newcomer write its record by itself
    raft::membership_change undo;
    undo.kind = raft::change_kind::remove;
    undo.id = change.id;
    co_await change_members(undo);
    co_return refused(503, "The member's record could not be written: " + written.reason);
  }
  spdlog::info("{}", msg::log_line("member_added")
                         .with("member", who.record.consensus_id)
                         .with("address", who.record.consensus_addr)
                         .with("warning", size_warning(members_ ? members_->members.size() : 0))
                         .str());
  msg::cluster_answer out;
  out.json = "{}";
  co_return out;
}

/// A one-time pass for one node: no secret of the cluster goes through the operator's hands.
awaitable<msg::cluster_answer> cluster_desk::make_ticket(call_t call) {
  const auto raw = co_await status();
  if (!state_->consensus_enabled)
    co_return refused(409, "This node is not in a cluster yet: enroll it by itself first");
  if (raw.active_id.empty() || raw.active_id != raw.node_id)
    co_return co_await relay_to_active("ticket", call.body);
  rapidjson::Document doc;
  auto life_s = ticket_life_s;
  if (parse_object(call.body, doc) && doc.HasMember("Seconds")) {
    life_s = number_at(doc, "Seconds");
    if (life_s < 1 || life_s > ticket_life_s)
      co_return refused(422, "Seconds must be from 1 to " + std::to_string(ticket_life_s) +
                                 ": how long the ticket may be used");
  }
  msg::ticket_record ticket;
  ticket.secret = net::random_hex(32);
  ticket.expires_ms = static_cast<std::uint64_t>(wall_ms()) + life_s * 1000;
  ticket.created_by = call.principal;
  const auto id = net::random_hex(8);
  msg::transaction tx;
  tx.principal = call.principal;
  tx.mutations.push_back({std::string(msg::cluster_prefix), msg::ticket_key(id), to_json(ticket)});
  const auto written = co_await write(std::move(tx));
  if (written.status != msg::write_status::applied)
    co_return refused(503, "The ticket could not be written: " + written.reason);
  msg::cluster_answer out;
  out.json = json_object()
                 .text("Url", state_->api_url)
                 .text("Fingerprint", config_.api_fingerprint())
                 .text("Id", id)
                 .text("Secret", ticket.secret)
                 .number("Expires", ticket.expires_ms)
                 .take();
  co_return out;
}

/// The ticket's holder proves it knows the secret, over the certificate it has pinned; the ticket is gone
/// before the introduction leaves.
awaitable<msg::cluster_answer> cluster_desk::redeem(call_t call) {
  rapidjson::Document doc;
  if (!parse_object(call.body, doc))
    co_return refused(400, "The request cannot be read");
  const auto id = text_at(doc, "Id");
  const auto nonce = text_at(doc, "Nonce");
  const auto read =
      co_await config_.ask->ask(config_.replay, 5s, msg::read_atom::value, msg::consistency::linear);
  const auto object = read && read.value->view
                          ? read.value->view->get(msg::cluster_prefix, msg::ticket_key(id))
                          : msg::object_ref{};
  msg::ticket_record ticket;
  const std::string not_good = "The ticket is unknown, used or expired: take a new one";
  if (nonce.size() < 16 || !object || !msg::parse_record(object->json, ticket) ||
      ticket.expires_ms < static_cast<std::uint64_t>(wall_ms()) ||
      !net::same_secret(
          text_at(doc, "Proof"),
          net::hmac_sha256_hex(ticket.secret, ticket_text(id, nonce, config_.api_fingerprint()))))
    co_return refused(403, not_good);
  msg::transaction tx;
  tx.preconditions.push_back(
      {std::string(msg::cluster_prefix), msg::ticket_key(id), msg::expectation::revision, object->rev});
  tx.mutations.push_back({std::string(msg::cluster_prefix), msg::ticket_key(id), std::nullopt});
  const auto written = co_await write(std::move(tx));
  if (written.status != msg::write_status::applied)
    co_return refused(written.status == msg::write_status::conflict ? 403 : 503, not_good);
  co_return co_await introduction();
}

/// The target's half: fills the global part of what was posted to it.
awaitable<std::string> cluster_desk::use_ticket(const std::string& ticket_json, msg::ha_state& posted) {
  rapidjson::Document doc;
  if (!parse_object(ticket_json, doc))
    co_return "the ticket cannot be read";
  const auto id = text_at(doc, "Id");
  const auto fingerprint = text_at(doc, "Fingerprint");
  const auto nonce = net::random_hex(16);
  std::string why;
  const auto url = net::parse_url(text_at(doc, "Url"), 8092, why);
  if (!url)
    co_return "the ticket's Url: " + why;
  net::http_client_options options;
  options.verify = net::verify_mode::fingerprint;
  options.fingerprint = fingerprint;
  net::http_client client(config_.executor, options);
  net::client_request request;
  request.method = "POST";
  request.target = "/api/v3/system/consensus/redeem";
  request.headers.emplace_back("Content-Type", "application/json");
  request.body =
      json_object()
          .text("Id", id)
          .text("Nonce", nonce)
          .text("Proof", net::hmac_sha256_hex(text_at(doc, "Secret"), ticket_text(id, nonce, fingerprint)))
          .take();
  const auto response = co_await client.send(*url, request, 10s, std::size_t{1} << 20);
  if (response.failure)
    co_return response.failure.message;
  auto parsed = msg::parse_ha_state(response.body);
  const auto* given = std::get_if<msg::parsed_ha_state>(&parsed);
  if (response.status != 200 || given == nullptr)
    co_return "the cluster did not accept the ticket: take a new one";
  const auto& from = given->state;
  posted.enabled = from.enabled;
  posted.consensus_enabled = from.consensus_enabled;
  posted.consensus_join = from.consensus_join;
  posted.ha_id = from.ha_id;
  posted.load_balanced = from.load_balanced;
  posted.virt_addr = from.virt_addr;
  posted.active_uri = from.active_uri;
  posted.roots = from.roots;
  posted.token = from.token;
  co_return std::string{};
}

} // namespace holdfast::node
