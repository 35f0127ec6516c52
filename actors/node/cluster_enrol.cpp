// This node is enrolled: as the first of its cluster, in place, or into an existing one (contract §8.3).
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/json_text.hpp"
#include "messages/log_line.hpp"
#include "net/signature.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <spdlog/spdlog.h>

namespace holdfast::node {

namespace {

using boost::asio::awaitable;

/// Empty when the address can be listened on right now.
std::string try_listen(const boost::asio::any_io_executor& executor, const std::string& address) {
  std::string why;
  const auto at = net::parse_address(address, why);
  if (!at)
    return why;
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(at->ip, error);
  if (error)
    return error.message();
  const boost::asio::ip::tcp::endpoint endpoint(ip, at->port);
  boost::asio::ip::tcp::acceptor trial(executor);
  trial.open(endpoint.protocol(), error);
  if (!error)
    trial.set_option(boost::asio::socket_base::reuse_address(true), error);
  if (!error)
    trial.bind(endpoint, error);
  if (!error)
    trial.listen(1, error);
  return error ? error.message() : std::string();
}

constexpr auto again_limit = std::chrono::seconds(50);
constexpr auto again_step = std::chrono::milliseconds(50);

/// JSON of the join ticket in what was posted; empty: there is none.
std::string ticket_of(const msg::ha_state& posted) {
  for (const auto& [key, json] : posted.unknown) {
    if (key == "Ticket")
      return json;
  }
  return {};
}

/// What a ticket keeps from the operator's machine stays here.
msg::cluster_answer finished(const msg::ha_state& state, const std::string& ticket) {
  msg::cluster_answer out;
  out.json = to_json(state, ticket.empty() ? msg::secrets::keep : msg::secrets::blank);
  return out;
}

} // namespace

/// Links and addresses as they are now, and whether the guard has what a virtual address needs.
awaitable<enrolment_ground> cluster_desk::ground() {
  enrolment_ground out;
  const auto host = std::make_shared<host_facts>();
  auto look = [host]() -> io_error {
    *host = host_facts::collect();
    return {};
  };
  co_await on_files(std::move(look));
  out.host = *host;
  if (config_.vip) {
    const auto asked =
        co_await config_.ask->ask(config_.vip, std::chrono::milliseconds(800), msg::status_atom::value);
    if (!asked)
      out.vip_missing = "a guard that answers";
    else if (!asked.value->guard_ready)
      out.vip_missing = asked.value->guard_missing.empty() ? "a guard that runs" : asked.value->guard_missing;
  }
  out.current = *state_;
  out.drp_id = config_.drp_id;
  out.members = members_ ? members_->members.size() : 1;
  out.removed = (members_ && members_->removed) || told_out_;
  out.can_bind = net::can_bind;
  co_return out;
}

awaitable<msg::cluster_answer> cluster_desk::enroll(call_t call) {
  auto parsed = msg::parse_ha_state(call.body);
  if (const auto* why = std::get_if<std::string>(&parsed))
    co_return refused(400, "The posted HA state cannot be read: " + *why);
  auto posted = std::move(std::get<msg::parsed_ha_state>(parsed).state);
  if (busy() || join_) {
    const bool again = asked_ && ticket_of(posted) == ticket_of(*asked_) &&
                       posted.consensus_enabled == asked_->consensus_enabled &&
                       repeats_enrolment(posted, *asked_, !ticket_of(posted).empty());
    if (again)
      co_return co_await answer_again(ticket_of(posted));
    co_return refused(409,
                      "This node is busy with another enrolment: wait for its end, then look at the state");
  }
  enrolling_ = true;
  asked_ = posted;
  msg::cluster_answer out;
  try {
    out = co_await enroll_anew(std::move(posted));
  } catch (const std::exception& failure) {
    out = refused(500, std::string("The enrolment failed: ") + failure.what());
  }
  enrolling_ = links_off_ = false;
  co_return out;
}

awaitable<msg::cluster_answer> cluster_desk::enroll_anew(msg::ha_state posted) {
  const auto ticket = ticket_of(posted);
  auto here = co_await ground();
  const bool inside = here.current.consensus_enabled && !here.removed;
  if (inside && (posted.consensus_enabled || !ticket.empty())) {
    const bool out = co_await was_removed();
    told_out_ = told_out_ || out;
    here.removed = out;
  }
  const bool used = !ticket.empty() && ticket == used_ticket_; // it works once
  if (inside && !here.removed && used && repeats_enrolment(posted, here.current, true))
    co_return finished(*state_, ticket);
  std::string bad_ticket;
  if (!ticket.empty())
    bad_ticket = co_await use_ticket(ticket, posted);
  if (!bad_ticket.empty())
    co_return refused(502, "The join ticket could not be used: " + bad_ticket);
  if (inside && !here.removed && repeats_enrolment(posted, here.current, false))
    co_return finished(*state_, ticket);
  const bool joins = posted.consensus_enabled;
  links_off_ = joins && here.removed;
  if (links_off_) // the address is to answer for the node that asks to come back
    co_await drop_links();
  const auto problem = try_listen(config_.executor, posted.consensus_addr);
  const auto reasons = joins ? refuse_join(posted, here) : refuse_bootstrap(posted, here);
  if (!reasons.empty())
    co_return refused(joins || !state_->consensus_enabled ? 422 : 409, reasons);
  if (!problem.empty())
    co_return refused(422, "ConsensusAddr " + posted.consensus_addr + " cannot be listened on: " + problem +
                               ": free the port or choose another");
  msg::cluster_answer out;
  if (joins)
    out = co_await join(std::move(posted));
  else
    out = co_await bootstrap(std::move(posted));
  if (!ticket.empty() && out.status < 400) {
    used_ticket_ = ticket;
    out.json = finished(*state_, ticket).json;
  }
  co_return out;
}

/// Waits for the end of what was asked for in the same words before, and answers as that is.
awaitable<msg::cluster_answer> cluster_desk::answer_again(std::string ticket) {
  const auto deadline = std::chrono::steady_clock::now() + again_limit;
  while ((busy() || join_) && !closed_ && std::chrono::steady_clock::now() < deadline)
    co_await rest(again_step);
  if (busy())
    co_return refused(409, "This node is still busy with this enrolment: wait for its end, then look at the "
                           "state");
  if (!state_->consensus_enabled)
    co_return refused(503,
                      "The enrolment that was under way did not succeed: look at the cluster and at this "
                      "node's log, then repeat the command");
  auto out = finished(*state_, ticket);
  if (join_)
    out.status = 202;
  co_return out;
}

/// A node may ask to come back before it heard that it was removed: the active of its cluster knows.
awaitable<bool> cluster_desk::was_removed() {
  const auto body = json_object().text("Verb", "joined").text("RaftID", own_raft_id()).take();
  const auto known = facts_.members;
  for (const auto& [id, record] : known) {
    if (id == state_->consensus_id)
      continue;
    const auto answer = co_await ask_member(record, body, std::chrono::seconds(2));
    rapidjson::Document doc;
    if (answer.status < 400 && parse_object(answer.json, doc) && flag_at(doc, "Active"))
      co_return !flag_at(doc, "Member");
  }
  co_return false;
}

/// One transaction makes the cluster; what follows it is completed by the next start if this one ends here.
awaitable<msg::cluster_answer> cluster_desk::bootstrap(msg::ha_state posted) {
  const auto before = co_await status();
  if (before.active_id.empty() || before.active_id != before.node_id || !members_)
    co_return refused(503, "This node does not serve writes yet: try again in a moment");
  auto allowed = co_await entitled(posted.ha_id, std::nullopt); // LIC-02
  if (allowed.status >= 400)
    co_return allowed;

  msg::global_record global;
  global.ha_id = posted.ha_id;
  global.load_balanced = posted.load_balanced;
  global.virt_addr = posted.virt_addr;
  global.server_hostname = config_.hostname;
  global.enabled = true;
  global.consensus_enabled = true;
  global.cluster_id = to_string(members_->cluster);

  auto next = *state_;
  next.enabled = true;
  next.consensus_enabled = true;
  next.ha_id = posted.ha_id;
  next.load_balanced = posted.load_balanced;
  next.virt_addr = posted.virt_addr;
  next.virt_interface = posted.virt_interface;
  next.virt_interface_script = posted.virt_interface_script;
  next.consensus_addr = posted.consensus_addr;
  if (next.api_url.empty())
    next.api_url = https_url(parse_endpoint(posted.consensus_addr)->address, config_.api_port);
  next.active_uri = https_url(posted.virt_addr.substr(0, posted.virt_addr.find('/')), config_.api_port);
  next.consensus_join = next.api_url;
  next.roots = {to_root(net::make_root(global.cluster_id, std::chrono::system_clock::now()))}; // TLS-13
  next.token = net::random_hex(32);
  next.passive = false;

  const auto old = state_;
  state_ = std::make_shared<const msg::ha_state>(next); // what own_record() describes
  auto record = own_record();
  state_ = old;
  const std::string prefix(msg::cluster_prefix);
  const std::string secrets(msg::cluster_secrets_prefix);
  msg::transaction tx;
  tx.preconditions.push_back({prefix, std::string(msg::global_key), msg::expectation::absent, {}});
  tx.mutations.push_back({prefix, std::string(msg::global_key), to_json(global)});
  tx.mutations.push_back({prefix, msg::member_key(record.consensus_id), to_json(record)});
  tx.mutations.push_back({secrets, std::string(msg::roots_key), to_json(next.roots)});
  msg::token_record token;
  token.current = next.token;
  tx.mutations.push_back({secrets, std::string(msg::token_key), to_json(token)});
  const auto written = co_await write(std::move(tx));
  if (written.status != msg::write_status::applied)
    co_return refused(written.status == msg::write_status::unknown ? 504 : 503,
                      "The cluster's settings could not be written (" + written.reason +
                          "): look at the state, then repeat the command");

  raft::membership_change change;
  change.kind = raft::change_kind::set_address;
  change.id = members_->self;
  change.address = posted.consensus_addr;
  const auto moved = co_await change_members(change);
  if (const auto error = co_await keep_state(std::move(next)); !error.empty())
    co_return refused(500, "The new state could not be saved: " + error);
  if (const auto error = co_await set_up_links(); !error.empty())
    co_return refused(500, "The consensus address cannot be listened on: " + error);
  if (!moved.done)
    spdlog::warn("{}", msg::log_line("own_address_not_set").with("reason", moved.reason).str());
  spdlog::info("{}", msg::log_line("cluster_founded")
                         .with("ha_id", state_->ha_id)
                         .with("consensus_addr", state_->consensus_addr)
                         .str());
  msg::cluster_answer out;
  out.json = to_json(*state_, msg::secrets::keep);
  co_return out;
}

} // namespace holdfast::node
