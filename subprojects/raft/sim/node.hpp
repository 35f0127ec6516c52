// One simulated server: its disk and clock, which outlive the process, and the process while it runs.
#pragma once

#include <raft/core.hpp>

#include "sim/clocks.hpp"
#include "sim/disk.hpp"
#include "sim/invariants/monotonic.hpp"
#include "sim/machine.hpp"

#include <deque>
#include <optional>
#include <variant>
#include <vector>

namespace holdfast::raft::sim {

/// Bulk bytes of a snapshot on their way.
struct chunk {
  snapshot_id id;
  byte_count offset;
  std::string bytes;
};

/// What reaches a process from outside. Held back while the process is paused, in order.
struct arrival {
  std::size_t from = 0;
  std::variant<message, chunk, event_body> what;
  std::uint64_t life = 0; ///< 0: any; otherwise lost when the process has been restarted since
};

/// Somebody waits until the local state machine has applied `index`.
struct waiting {
  context_id context = 0;
  index_t index;
  bool write = false;
};

struct node {
  node_id id;
  bool used = false; ///< the slot belongs to a server (it may be down)
  node_clock clock;
  disk store;
  config last_config; ///< in effect when it last took a step
  index_t last_config_index;
  std::optional<log_image> before_rot; ///< what its disk held before it rotted, until the node has healed
  monotonic positions;
  std::uint64_t life = 0; ///< grows with every start
  bool barred = false;    ///< stays down
  term_t held_in; ///< term of the lease it last took; its host may hold on to it when the process is gone

  // The process. Nothing below survives a crash.
  std::optional<core> brain;
  machine state;
  output out;
  true_time paused_until{};
  std::vector<arrival> held;
  true_time stalled_until{};
  bool full = false;
  std::uint64_t wake_generation = 0;
  true_time wake_at = true_time::max(); ///< when the next tick is due
  std::deque<entry> to_apply;
  bool applying = false;
  std::uint64_t apply_generation = 0; ///< grows when a snapshot takes the place of what was to be applied
  bool snapshotting = false;
  bool installing = false;
  std::optional<stored_snapshot> previous_snapshot; ///< stays readable for transfers already running
  std::vector<waiting> waits;
  std::optional<instant> lease_until;
  term_t lease_term;
  role last_role = role::follower;

  bool running() const { return brain.has_value(); }
  bool paused(true_time now) const { return paused_until > now; }
  bool leads() const { return brain && brain->is_leader(); }
  instant local(true_time now) const { return {clock.local(now).count()}; }
};

} // namespace holdfast::raft::sim
