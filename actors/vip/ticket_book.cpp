#include "actors/vip/ticket_book.hpp"

#include <algorithm>

namespace holdfast::vip {

namespace {

constexpr std::size_t remembered = 16;

/// Why a ticket with a good seal is not to be believed; empty: it is.
std::string doubt(const release_ticket& ticket, std::string_view from, const msg::vip_setup& setup,
                  const msg::lease_state& lease) {
  if (!setup.members.contains(ticket.holder))
    return "its holder is no member";
  if (ticket.holder == setup.self)
    return "it says that this node is dead";
  if (ticket.holder == from)
    return "its holder sent it and so is alive";
  if (ticket.epoch < lease.epoch && lease.settled)
    return "its epoch is over";
  if (ticket.epoch == lease.epoch && lease.active)
    return "this node holds its epoch";
  return {};
}

} // namespace

ticket_verdict ticket_book::judge(std::string_view bytes, std::string_view from, const msg::vip_setup& setup,
                                  const msg::lease_state& lease) {
  ticket_verdict out;
  auto ticket = open_ticket(bytes, setup.cluster_id, setup.root_keys);
  if (!ticket) {
    out.reason = "it is malformed, of another cluster, or not signed by a root of this one";
    return out;
  }
  out.ticket = std::move(*ticket);
  if (std::find(known_.begin(), known_.end(), out.ticket) != known_.end()) {
    out.fate = ticket_fate::repeated;
    return out;
  }
  out.reason = doubt(out.ticket, from, setup, lease);
  if (!out.reason.empty())
    return out;
  out.fate = ticket_fate::taken;
  out.pass_on = from.empty();
  known_.push_back(out.ticket);
  if (known_.size() > remembered)
    known_.pop_front();
  return out;
}

} // namespace holdfast::vip
