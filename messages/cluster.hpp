// The node's cluster desk: enrolment, removal, hand-over and status of the cluster, asked by the API.
#pragma once

#include "messages/links.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>
#include <vector>

namespace holdfast::msg {

/// One call of system/consensus/*, already authenticated by the API for its verb: "enroll", "remove",
/// "transfer", "passive", "introduction", "ticket", "safe" need a superuser (or the claim the route names);
/// "prove" and "redeem" are open; "members" shows the cluster token in `bearer`, and "member" comes from a
/// fellow member, named by `peer_node` once its certificate is proven. The desk checks both.
struct cluster_call {
  std::string verb;
  std::string argument;  ///< path parameter or query
  std::string body;      ///< JSON, bounded by the API
  std::string bearer;    ///< of the Authorization header
  std::string peer_node; ///< raft id
  std::string principal;
};
using cluster_call_ptr = std::shared_ptr<const cluster_call>;

/// `json` below 400; above, `messages` say what is wrong and what to do. May hold secrets: never logged.
struct cluster_answer {
  unsigned status = 200;
  std::string json;
  std::vector<std::string> messages;
};
using cluster_answer_ptr = std::shared_ptr<const cluster_answer>;

using call_atom = caf::atom_constant<caf::atom("call")>;

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::cluster_call_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::cluster_answer_ptr)

namespace holdfast::msg {

using cluster_actor = caf::typed_actor<
    // From consensus.
    caf::reacts_to<role_atom, role_info>, caf::reacts_to<members_atom, members_ptr>,
    // From replay.
    caf::reacts_to<changes_atom, changes_ptr>, caf::reacts_to<caf::tick_atom>,
    caf::replies_to<call_atom, cluster_call_ptr>::with<cluster_answer_ptr>>;

} // namespace holdfast::msg
