// The typed interfaces of the rooms. A room sees another only through these (architecture §1).
// Atom names carry at most ten characters (CAF 0.17).
#pragma once

#include "messages/object_view.hpp"
#include "messages/read.hpp"
#include "messages/transaction.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::msg {

using write_atom = caf::atom_constant<caf::atom("write")>;
using read_atom = caf::atom_constant<caf::atom("read")>;
using changes_atom = caf::atom_constant<caf::atom("changes")>;
using status_atom = caf::atom_constant<caf::atom("status")>;
using actors_atom = caf::atom_constant<caf::atom("actors")>;
using control_atom = caf::atom_constant<caf::atom("control")>;

/// How far a member is, as the leader knows it.
struct member_progress {
  std::string id;
  std::uint64_t match = 0;  ///< durable there up to this index
  std::uint64_t behind = 0; ///< entries missing to the leader's last one
  std::int64_t silent_ms = 0;
  bool snapshot = false; ///< is being fed a snapshot
};

/// One member for status calls (contract §8.1, NodeInfo).
struct member_row {
  std::string consensus_id;
  std::string virt_interface;
  std::string virt_interface_script;
  std::string consensus_addr;
  std::string api_url;
  bool passive = true;
  bool observer = false;
  bool offline = false;
  bool learner = false; ///< still catching up: no vote
  std::uint64_t handled = 0;
};

/// Consensus as one node sees it, for status calls; always answered at once, without quorum too.
struct consensus_status {
  std::string node_id;   ///< ConsensusID of this node
  std::string leader_id; ///< empty: none known
  std::string active_id; ///< empty: none
  std::uint64_t term = 0;
  std::uint64_t commit_index = 0;
  std::uint64_t applied_index = 0;
  std::uint64_t durable_index = 0;
  std::uint64_t last_index = 0;
  std::string role; ///< leader, follower, candidate, learner, recovering, removed
  std::vector<std::string> members;
  std::size_t voters = 0;
  bool joint = false; ///< the members are changing: those before and those after are all in `members`
  bool disk_full = false;
  std::vector<member_progress> progress; ///< on the leader alone
  std::vector<member_row> rows;          ///< filled by the node's cluster desk
};

/// One row of `GET /api/v3/system/actors` (architecture §9).
struct actor_row {
  std::string name;
  std::string parent;
  std::string state; ///< running, suspended, restarting, failed
  std::uint64_t id = 0;
  std::uint64_t messages = 0;
  std::uint64_t busy_ns = 0;
  std::uint64_t longest_ns = 0;
  std::uint64_t mailbox = 0;
  std::uint64_t mailbox_high = 0;
  std::uint64_t restarts = 0;
  std::int64_t started_ms = 0;
  std::string last_error;
};

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::transaction_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::changes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::write_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::read_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::consistency)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::consensus_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<holdfast::msg::actor_row>)

namespace holdfast::msg {

/// replay: the store. `write` proposes and answers when applied; `read` answers with a view.
/// `changes` subscribes the sender-given actor: it receives (changes_atom, changes_ptr) after every batch,
/// null when a snapshot came instead of single changes.
using replay_actor = caf::typed_actor<caf::replies_to<write_atom, transaction_ptr>::with<write_result>,
                                      caf::replies_to<read_atom, consistency>::with<read_result>,
                                      caf::reacts_to<changes_atom, caf::actor>,
                                      caf::replies_to<status_atom>::with<consensus_status>>;

/// node: the root supervisor. `control` takes a verb (kill, suspend, resume) and an actor's name and answers
/// with an empty string or the reason for refusing.
using node_actor =
    caf::typed_actor<caf::replies_to<actors_atom>::with<std::vector<actor_row>>,
                     caf::replies_to<control_atom, std::string, std::string>::with<std::string>>;

} // namespace holdfast::msg
