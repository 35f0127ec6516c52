// How this node stands, for the API: who is active, and how to reach it.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/addresses.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::node {

void cluster_desk::show_standing() {
  if (!config_.standing || closed_)
    return;
  auto now = std::make_shared<msg::standing>();
  now->clustered = state_->consensus_enabled;
  now->self_id = state_->consensus_id;
  now->disk_full = role_.disk_full;
  if (const auto own = parse_endpoint(state_->consensus_addr))
    now->own_ip = own->address;
  if (members_) {
    now->removed = members_->removed || told_out_;
    for (const auto& member : members_->members)
      now->members.insert(to_string(member.id));
  }
  if (!role_.leader.is_nil())
    now->leader_id = to_consensus_id(to_string(role_.leader));
  if (!role_.active.is_nil() && !now->removed) {
    now->active_raft = to_string(role_.active);
    now->active_id = to_consensus_id(now->active_raft);
    now->active = role_.active == role_.self && role_.role == raft::role::leader;
    now->active_silent = role_.leader_silent && role_.active == role_.leader;
    if (const auto* record = facts_.by_raft_id(now->active_raft))
      now->active_url = record->api_url;
  }
  if (links_setup_)
    now->credentials = links_setup_->credentials;
  const auto before = config_.standing->get();
  if (before && *before == *now)
    return;
  if (before)
    note_active(*before, *now);
  config_.standing->set(std::move(now));
}

/// LOG-01: operators of the system this one replaces look for these words; a line after them says that they
/// are no fault.
void cluster_desk::note_active(const msg::standing& before, const msg::standing& now) {
  if (before.active_id.empty() || before.active || before.active_id == now.active_id || !now.clustered)
    return;
  if (!replication_lines_.allow(before.active_id, std::chrono::steady_clock::now()))
    return;
  const auto api = ":" + std::to_string(config_.api_port);
  const auto virtual_ip = state_->virt_addr.substr(0, state_->virt_addr.find('/'));
  const bool v6 = virtual_ip.find(':') != std::string::npos;
  spdlog::warn("{}", msg::log_line("replication_interrupted")
                         .with("text", "Error during replication: read tcp " + state_->consensus_addr + "->" +
                                           (v6 ? "[" + virtual_ip + "]" : virtual_ip) + api + ": i/o timeout")
                         .str());
  spdlog::warn("{}",
               msg::log_line("replication_interrupted_expected")
                   .with("member", before.active_id)
                   .with("term", role_.term.value)
                   .with("text", "expected when the active node dies or hands over: this passive follows "
                                 "the next active by itself, there is nothing to do")
                   .str());
}

} // namespace holdfast::node
