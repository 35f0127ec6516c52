#include "actors/node/cluster_desk.hpp"

#include "messages/log_line.hpp"
#include "net/signature.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::node {

cluster_desk::cluster_desk(desk_config config)
    : config_(std::move(config)), store_(real_files(), config_.base_root),
      state_(std::make_shared<const msg::ha_state>(config_.state)), repairs_(config_.repairs),
      join_(config_.join) {}

cluster_desk::~cluster_desk() {
  files_.join();
}

boost::asio::awaitable<bool> cluster_desk::finish(std::chrono::milliseconds limit) {
  const auto self = shared_from_this();
  closed_ = true;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (errands_.use_count() > 1 && std::chrono::steady_clock::now() < deadline)
    co_await rest(std::chrono::milliseconds(1));
  const bool at_rest = errands_.use_count() == 1;
  co_await rest(std::chrono::milliseconds(1)); // who asked for the last of them hears of it
  co_return at_rest;
}

void cluster_desk::close() {
  closed_ = true;
  node_ = nullptr;
  config_.replay = nullptr;
  config_.judged_replay = nullptr;
  config_.consensus = nullptr;
  config_.links = nullptr;
  config_.log_writer = nullptr;
  config_.vip = nullptr;
}

boost::asio::awaitable<msg::cluster_answer> cluster_desk::answer(msg::cluster_call call) {
  const auto self = shared_from_this();
  const auto errand = errands_;
  using handler = answer_t (cluster_desk::*)(call_t);
  static const std::map<std::string, handler, std::less<>> verbs{
      {"enroll", &cluster_desk::enroll},       {"prove", &cluster_desk::show_proof},
      {"members", &cluster_desk::admit},       {"member", &cluster_desk::from_member},
      {"ticket", &cluster_desk::make_ticket},  {"redeem", &cluster_desk::redeem},
      {"remove", &cluster_desk::remove},       {"transfer", &cluster_desk::transfer},
      {"safe", &cluster_desk::fail_over_safe}, {"take", &cluster_desk::take_role},
      {"health", &cluster_desk::health},
  };
  msg::cluster_answer out;
  try {
    if (closed_)
      out = refused(503, "the node is ending");
    else if (call.verb == "introduction")
      out = co_await introduction();
    else if (call.verb == "vip")
      out = co_await vip_status();
    else if (const auto found = verbs.find(call.verb); found != verbs.end())
      out = co_await (this->*found->second)(call);
    else
      out = refused(404, "no such call");
  } catch (const std::exception& failure) {
    spdlog::error("{}",
                  msg::log_line("cluster_call").with("verb", call.verb).with("reason", failure.what()).str());
    out = refused(500, std::string("the call failed: ") + failure.what());
  }
  poke();
  co_return out;
}

msg::consensus_status cluster_desk::present(msg::consensus_status raw) const {
  const auto self = raw.node_id;
  const auto add = [&](const std::string& raft_id, bool votes) {
    msg::member_row row;
    row.consensus_id = to_consensus_id(raft_id);
    if (const auto found = facts_.members.find(row.consensus_id); found != facts_.members.end()) {
      const auto& record = found->second;
      row.virt_interface = record.virt_interface;
      row.virt_interface_script = record.virt_interface_script;
      row.consensus_addr = record.consensus_addr;
      row.api_url = record.api_url;
      row.observer = record.observer;
    } else if (row.consensus_id == state_->consensus_id) {
      row.virt_interface = state_->virt_interface;
      row.virt_interface_script = state_->virt_interface_script;
      row.consensus_addr = state_->consensus_addr;
      row.api_url = state_->api_url;
      row.observer = state_->observer;
    }
    row.passive = raw.active_id.empty() || raft_id != raw.active_id;
    row.learner = !votes;
    if (raft_id == self) {
      row.handled = raw.applied_index;
    } else if (const auto link = link_up_.find(raft_id); link_up_.empty() || link == link_up_.end()) {
      row.offline = true;
    } else {
      row.offline = !link->second;
    }
    if (const auto said = handled_.find(raft_id); said != handled_.end() && raft_id != self)
      row.handled = said->second;
    if (raft_id == raw.leader_id && raft_id != self && !row.offline)
      row.handled = std::max(row.handled, raw.commit_index);
    for (const auto& progress : raw.progress) {
      if (progress.id == raft_id) {
        row.handled = progress.match;
        row.offline = row.offline || progress.silent_ms > 2000;
      }
    }
    raw.rows.push_back(std::move(row));
  };
  raw.rows.clear();
  if (members_) {
    for (const auto& member : members_->members)
      add(to_string(member.id), member.votes);
  }
  raw.node_id = state_->consensus_id;
  raw.leader_id = to_consensus_id(raw.leader_id);
  raw.active_id = to_consensus_id(raw.active_id);
  for (auto& member : raw.members)
    member = to_consensus_id(member);
  if (members_ && members_->removed)
    raw.role = "removed";
  return raw;
}

msg::cluster_answer refused(unsigned status, std::string message) {
  msg::cluster_answer out;
  out.status = status;
  out.messages.push_back(std::move(message));
  return out;
}

msg::cluster_answer refused(unsigned status, std::vector<std::string> messages) {
  msg::cluster_answer out;
  out.status = status;
  out.messages = std::move(messages);
  return out;
}

net::certificate to_certificate(const msg::trust_root& root) {
  const auto der = root.data.empty() ? std::nullopt : net::from_base64(root.data.front());
  if (!der)
    throw net::identity_error("a root's certificate is not base64");
  return net::certificate::from_der({reinterpret_cast<const std::uint8_t*>(der->data()), der->size()});
}

net::credential to_credential(const msg::trust_root& root) {
  const auto key = net::from_base64(root.key);
  if (!key || key->empty())
    throw net::identity_error("a root's key is missing");
  return {to_certificate(root),
          net::private_key::from_raw({reinterpret_cast<const std::uint8_t*>(key->data()), key->size()})};
}

msg::trust_root to_root(const net::credential& root) {
  const auto der = root.cert.der();
  const auto raw = root.key.raw();
  msg::trust_root out;
  out.data.push_back(net::to_base64({reinterpret_cast<const char*>(der.data()), der.size()}));
  out.key = net::to_base64({reinterpret_cast<const char*>(raw.view().data()), raw.view().size()});
  return out;
}

std::string proof_text(const std::string& nonce, const std::string& fingerprint) {
  return "holdfast-prove|" + nonce + "|" + fingerprint;
}

std::int64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

} // namespace holdfast::node
