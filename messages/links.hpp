// The room of the links between members: who the members are goes in, what arrives from them goes out.
#pragma once

#include "messages/consensus.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::net {
struct peer_credentials;
struct peer_settings;
} // namespace holdfast::net

namespace holdfast::msg {

/// One member as the configuration in effect has it.
struct member_info {
  raft::node_id id;
  std::string address; ///< ConsensusAddr, "ip:port"; empty: a node that is alone
  bool votes = false;
  bool observer = false;
};

/// The configuration in effect here: from the moment it stands in the log, not when it is committed.
struct members_info {
  std::vector<member_info> members;
  std::vector<raft::node_id> gone; ///< ids that may never come back
  raft::node_id self;
  raft::cluster_id cluster;
  std::uint64_t index = 0;
  bool joint = false;
  bool removed = false; ///< this node was removed for good
};
using members_ptr = std::shared_ptr<const members_info>;

/// What a node needs to speak to members. Holds a private key: never logged.
struct links_setup {
  std::shared_ptr<const net::peer_settings> settings;
  std::shared_ptr<const net::peer_credentials> credentials;
};
using links_setup_ptr = std::shared_ptr<const links_setup>;

/// One row for status calls.
struct link_row {
  std::string peer;
  bool up = false;
  bool bulk_up = false;
  std::string trouble;       ///< of the last failed dial, while down
  bool refused = false;      ///< the last dial: that member says this node is none of its cluster (any more)
  std::uint64_t handled = 0; ///< index up to which it said it holds everything; 0: not said yet
};

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::members_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::links_setup_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<holdfast::msg::link_row>)

namespace holdfast::msg {

using setup_atom = caf::atom_constant<caf::atom("setup")>;
using handled_atom = caf::atom_constant<caf::atom("handled")>;

/// links: owns the peer network and one peer actor a member.
using links_actor = caf::typed_actor<
    /// Starts the network, swaps its credentials (same settings), or stops it (null). Answers with the reason
    /// when it cannot listen; empty is success.
    caf::replies_to<setup_atom, links_setup_ptr>::with<std::string>,
    /// From consensus.
    caf::reacts_to<members_atom, members_ptr>,
    /// This node holds everything up to that index: every member is told.
    caf::reacts_to<handled_atom, std::uint64_t>, caf::replies_to<status_atom>::with<std::vector<link_row>>>;

} // namespace holdfast::msg
