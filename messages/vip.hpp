// The virtual IP's room: who may hold the address (from consensus), what it is (from the cluster desk), how
// it stands (for status calls), and what members tell one another about it. Times are microseconds of the
// steady clock (CLOCK_MONOTONIC) of this host; they never travel.
#pragma once

#include "messages/consensus.hpp"
#include "messages/links.hpp"
#include "messages/notice.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::msg {

/// What consensus says about the right to hold the address (architecture §7). Sent whenever it changes.
struct lease_state {
  bool active = false;          ///< this node is the active one and is not handing over
  std::uint64_t epoch = 0;      ///< the term
  std::int64_t until_us = 0;    ///< the quorum lease; 0: none
  std::int64_t clear_at_us = 0; ///< every earlier holder's lease has surely ended from here on
  /// The leader of this epoch is known here, and no earlier lease is waited for: tickets of earlier epochs
  /// say nothing any more.
  bool settled = false;
  bool campaigning = false; ///< this node stands for election: the address may be probed
  bool operator==(const lease_state&) const = default;
};

/// What is to be guarded here and whom to tell when this host's daemon dies. Holds keys: never logged.
struct vip_setup {
  bool managed = false; ///< false: stand-alone, or a balancer owns the address (VIP-12)
  std::string cidr;     ///< VirtAddr
  std::string interface;
  std::string script;
  std::string cluster_id;
  std::string self;                           ///< raft id
  std::string own_address;                    ///< ConsensusAddr, where release tickets are received
  std::vector<std::string> targets;           ///< ConsensusAddr of the other members
  std::map<std::string, std::string> members; ///< raft id → ConsensusID, this node's included
  std::vector<std::string> root_keys;         ///< raw private keys of the trust roots, newest first
  bool operator==(const vip_setup&) const = default;
};
using vip_setup_ptr = std::shared_ptr<const vip_setup>;

/// Why this node cannot carry the address (empty: it can), and which other members say that they can.
struct vip_fitness {
  bool managed = false;
  std::string trouble;
  std::vector<raft::node_id> fit;
  bool operator==(const vip_fitness&) const = default;
};

/// For status calls; times are milliseconds before now, -1: never.
struct vip_status {
  bool managed = false;
  std::string cidr;
  std::string interface;
  std::string script;
  bool holding = false; ///< the guard said that the address is on
  std::uint64_t epoch = 0;
  std::int64_t lease_left_ms = 0;
  std::int64_t guard_pid = -1; ///< of the worker; -1: none
  std::int64_t keeper_pid = -1;
  std::string guard_missing; ///< what the guard was not given, such as CAP_NET_ADMIN
  bool guard_ready = false;
  bool link_up = true;
  std::string trouble;
  std::string last_error;
  std::int64_t announced_ms = -1;
  std::string conflict_mac; ///< last foreign claim
  std::int64_t conflict_ms = -1;
  std::uint64_t taken = 0;
  std::uint64_t released = 0;
  std::uint64_t lapsed = 0;   ///< taken off by the guard because no extension came
  std::uint64_t restored = 0; ///< put back after somebody deleted it
  std::uint64_t strays = 0;   ///< removed although this node did not hold it
  std::uint64_t conflicts = 0;
  std::uint64_t announcements = 0;
  std::uint64_t guard_restarts = 0;
  std::uint64_t tickets_taken = 0;
  std::uint64_t tickets_repeated = 0; ///< taken before: the guard and the members send each more than once
  std::uint64_t tickets_relayed = 0;  ///< passed on to the other members over their links
  std::uint64_t tickets_refused = 0;  ///< forged, of no member, of a living holder, of an epoch that is over
};

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::lease_state)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::vip_setup_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::vip_fitness)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::vip_status)

namespace holdfast::msg {

using lease_atom = caf::atom_constant<caf::atom("lease")>;
using release_atom = caf::atom_constant<caf::atom("release")>;
using ticket_atom = caf::atom_constant<caf::atom("ticket")>;
using digest_atom = caf::atom_constant<caf::atom("digest")>;
using fitness_atom = caf::atom_constant<caf::atom("fitness")>;

/// vip: has the guard hold the address while, and only while, this node may.
using vip_actor =
    caf::typed_actor<caf::reacts_to<setup_atom, vip_setup_ptr>, caf::reacts_to<lease_atom, lease_state>,
                     /// Takes the address off; true once it is surely off and stays off until consensus says
                     /// otherwise. With `for_good` it stays off whatever anybody says.
                     caf::replies_to<release_atom, bool>::with<bool>,
                     /// From links: what a member says of itself (raft id, its digest's bytes), what happened
                     /// there, and the ticket of a third member that it received.
                     caf::reacts_to<digest_atom, std::string, std::string>,
                     caf::reacts_to<notice_atom, std::string, std::string>,
                     caf::reacts_to<ticket_atom, std::string, std::string>, caf::reacts_to<caf::tick_atom>,
                     caf::replies_to<status_atom>::with<vip_status>>;

/// consensus as vip sees it.
using lease_source_actor = consensus_actor::extend<
    /// The holder of this term's lease is proven gone and the address free (raft::ev::release_ticket).
    caf::reacts_to<ticket_atom, std::uint64_t>, caf::reacts_to<fitness_atom, vip_fitness>>;

/// links as vip sees it: these bytes go to every member whose link is up.
using digest_links_actor =
    links_actor::extend<caf::reacts_to<digest_atom, std::string>, caf::reacts_to<notice_atom, std::string>,
                        caf::reacts_to<ticket_atom, std::string>>;

} // namespace holdfast::msg
