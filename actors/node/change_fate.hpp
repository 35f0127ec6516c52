// What became of a membership change whose outcome nobody told, since leadership was lost on the way or
// consensus did not answer? Once a linearizable read has succeeded here, the entry of a leader of a later
// term is committed, and with it everything that was in that leader's log before: an entry that is not there
// then never comes. So the configuration in effect tells. Pure.
#pragma once

#include "messages/actors.hpp"

#include <raft/config.hpp>

#include <algorithm>
#include <string>

namespace holdfast::node {

enum class change_fate : std::uint8_t { open, done, not_done };

/// `settled`: a linearizable read has succeeded since the outcome was lost, and `seen` was asked for after
/// it. Only of changes that add or remove a member; of the others it stays open.
[[nodiscard]] inline change_fate fate_of(const raft::membership_change& change,
                                         const msg::consensus_status& seen, bool settled) {
  const bool adds = change.kind == raft::change_kind::add_learner;
  if (!settled || seen.joint || seen.members.empty() || (!adds && change.kind != raft::change_kind::remove))
    return change_fate::open;
  const bool inside =
      std::find(seen.members.begin(), seen.members.end(), to_string(change.id)) != seen.members.end();
  return inside == adds ? change_fate::done : change_fate::not_done;
}

} // namespace holdfast::node
