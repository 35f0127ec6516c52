// An entry counts as committed only when a quorum of the configuration in effect holds it durably; in a joint
// configuration a quorum of both halves.
#pragma once

#include <raft/config.hpp>
#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <string>

namespace holdfast::raft::sim {

struct durable_quorum {
  /// `durable(id)`: the node's disk holds the entry (or held it before it rotted).
  template <class Durable>
  static void check(index_t index, const config& members, const Durable& durable) {
    if (!majority(members, false, durable) || (members.joint && !majority(members, true, durable)))
      throw violation{"commit on a durable quorum",
                      "entry " + std::to_string(index.value) + " was committed without one"};
  }

private:
  template <class Durable>
  static bool majority(const config& members, bool old_half, const Durable& durable) {
    std::size_t voters = 0;
    std::size_t holding = 0;
    for (const auto& one : members.members) {
      if (!(old_half ? one.outgoing : one.voter))
        continue;
      ++voters;
      holding += durable(one.id) ? 1 : 0;
    }
    return voters > 0 && holding * 2 > voters;
  }
};

} // namespace holdfast::raft::sim
