// What the desk has to do with the virtual address: it tells the vip room what to guard, and answers for it.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/json_text.hpp"
#include "net/signature.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace holdfast::node {

/// From the replicated facts alone (VIP-12, HST-25..27): a node outside its cluster guards nothing.
void cluster_desk::tell_vip() {
  if (closed_ || !config_.vip || busy())
    return;
  const auto& state = *state_;
  msg::vip_setup out;
  const bool member = members_ && !members_->removed && !members_->members.empty() && !join_;
  if (member && state.consensus_enabled && !state.virt_addr.empty()) {
    out.cluster_id = to_string(members_->cluster);
    out.self = own_raft_id();
    out.own_address = state.consensus_addr;
    for (const auto& one : members_->members) {
      out.members.emplace(to_string(one.id), to_consensus_id(to_string(one.id)));
      if (one.id != members_->self && !one.address.empty())
        out.targets.push_back(one.address);
    }
    for (const auto& root : state.roots) {
      if (auto key = net::from_base64(root.key))
        out.root_keys.push_back(std::move(*key));
    }
    if (!state.load_balanced) {
      out.managed = !state.virt_interface.empty();
      out.cidr = state.virt_addr;
      out.interface = state.virt_interface;
      out.script = state.virt_interface_script;
    }
  }
  if (vip_told_ && *vip_told_ == out)
    return;
  vip_told_ = out;
  caf::anon_send(config_.vip, msg::setup_atom::value,
                 msg::vip_setup_ptr(std::make_shared<const msg::vip_setup>(std::move(out))));
}

/// GET system/vip: how the virtual address stands, as this node sees it.
boost::asio::awaitable<msg::cluster_answer> cluster_desk::vip_status() {
  const auto asked =
      co_await config_.ask->ask(config_.vip, std::chrono::milliseconds(800), msg::status_atom::value);
  if (!asked)
    co_return refused(503, "the vip actor does not answer: " + asked.error);
  msg::cluster_answer out;
  const auto raw = co_await status();
  out.json = vip_json(*asked.value, raw);
  co_return out;
}

std::string cluster_desk::vip_json(const msg::vip_status& vip, const msg::consensus_status& raw) const {
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  auto guard = json_object()
                   .flag("Ready", vip.guard_ready)
                   .text("Missing", vip.guard_missing)
                   .raw("Pid", number(vip.guard_pid))
                   .raw("KeeperPid", number(vip.keeper_pid))
                   .raw("Restarts", std::to_string(vip.guard_restarts))
                   .take();
  auto counts = json_object()
                    .raw("Taken", std::to_string(vip.taken))
                    .raw("Released", std::to_string(vip.released))
                    .raw("Lapsed", std::to_string(vip.lapsed))
                    .raw("Restored", std::to_string(vip.restored))
                    .raw("Strays", std::to_string(vip.strays))
                    .raw("Announcements", std::to_string(vip.announcements))
                    .raw("TicketsTaken", std::to_string(vip.tickets_taken))
                    .raw("TicketsRepeated", std::to_string(vip.tickets_repeated))
                    .raw("TicketsRelayed", std::to_string(vip.tickets_relayed))
                    .raw("TicketsRefused", std::to_string(vip.tickets_refused))
                    .take();
  auto conflicts = json_object()
                       .raw("Count", std::to_string(vip.conflicts))
                       .text("Mac", vip.conflict_mac)
                       .raw("AgoMs", number(vip.conflict_ms))
                       .take();
  const auto state = state_;
  return json_object()
      .text("ConsensusID", state->consensus_id)
      .text("Mode", !state->consensus_enabled              ? "none"
                    : state->load_balanced                 ? "load-balanced"
                    : state->virt_interface_script.empty() ? "address"
                                                           : "script")
      .text("VirtAddr", state->virt_addr)
      .text("VirtInterface", state->virt_interface)
      .text("VirtInterfaceScript", state->virt_interface_script)
      .text("Holder", state->load_balanced ? std::string() : to_consensus_id(raw.active_id))
      .flag("Holding", vip.holding)
      .raw("Epoch", std::to_string(raw.term))
      .raw("LeaseLeftMs", number(vip.lease_left_ms))
      .flag("LinkUp", vip.link_up)
      .text("Trouble", vip.trouble)
      .text("LastError", vip.last_error)
      .raw("LastAnnouncementAgoMs", number(vip.announced_ms))
      .raw("Conflicts", conflicts)
      .raw("Guard", guard)
      .raw("Counters", counts)
      .take();
}

} // namespace holdfast::node
