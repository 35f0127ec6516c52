// How this node stands in its cluster at this moment: what decides whether a request is answered here or by
// another member. Made by the node's cluster desk whenever consensus speaks, read by the API without asking
// anybody. Pure value; never changes once made.
#pragma once

#include <memory>
#include <set>
#include <string>

namespace holdfast::net {
struct peer_credentials;
}

namespace holdfast::msg {

struct standing {
  bool clustered = false; ///< a member of a cluster; false: the node is alone and answers everything
  bool active = false;    ///< this node is the active one
  bool removed = false;   ///< taken out of the cluster for good
  bool disk_full = false;
  std::string self_id;           ///< ConsensusID
  std::string own_ip;            ///< of ConsensusAddr; source of every connection to a member
  std::string leader_id;         ///< ConsensusID; empty: none known
  std::string active_id;         ///< ConsensusID; empty: none
  bool active_silent = false;    ///< nothing was heard of it for as long as its lease: it may be gone
  std::string active_raft;       ///< what its certificate names; empty: none
  std::string active_url;        ///< its API, https://ip:port; empty: its record is not here yet
  std::set<std::string> members; ///< raft ids of the configuration in effect
  /// What this node shows to members and whom it believes; null: none yet. Holds a key: never logged.
  std::shared_ptr<const net::peer_credentials> credentials;

  bool operator==(const standing&) const = default;
};
using standing_ptr = std::shared_ptr<const standing>;

} // namespace holdfast::msg
