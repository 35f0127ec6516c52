// A removed node cannot disturb the rest: no message of it moves the term of a member that knows of the
// removal.
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

namespace holdfast::raft::sim {

struct removed_quiet {
  /// After a step that handled a message. `sender_removed`: by a configuration that the receiver had committed
  /// before that message. A leader that finishes its own removal may teach a node that was away its term and
  /// the removal with one append.
  static void check(bool sender_removed, bool receiver_is_member, term_t before, term_t after) {
    if (sender_removed && receiver_is_member && after > before)
      throw violation{"removed nodes are quiet", "a message of a removed node raised a member's term"};
  }
};

} // namespace holdfast::raft::sim
