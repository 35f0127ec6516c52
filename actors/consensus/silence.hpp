// Whether the leader that this node follows may be gone already (architecture §3). Pure: no clock, no actor.
#pragma once

#include <raft/limits.hpp>

#include <algorithm>
#include <optional>

namespace holdfast::consensus {

/// `heard`: the last word of the leader that is followed; nothing: this node follows none. Silent is a leader
/// whose lease, if it is cut off, has ended, and of which at least two heartbeats were missed: what is sent
/// to it now may never be answered. An election need not have begun yet.
[[nodiscard]] inline bool leader_silent(const std::optional<raft::instant>& heard, raft::instant now,
                                        const raft::limits& bounds) {
  return heard && now - *heard >= std::max(bounds.lease_length, bounds.heartbeat_interval * 3);
}

} // namespace holdfast::consensus
