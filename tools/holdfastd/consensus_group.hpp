// The three actors that hold the replicated state, as one group for the supervisor: log_writer, replay,
// consensus. Handles given out here outlive restarts of the group.
#pragma once

#include "actors/consensus/consensus_actor.hpp"
#include "actors/node/cluster_desk.hpp"
#include "actors/node/supervisor_actor.hpp"
#include "actors/replay/log_writer_actor.hpp"
#include "actors/replay/replay_actor.hpp"
#include "runtime/actor_directory.hpp"
#include "runtime/relay.hpp"

#include <memory>
#include <optional>

namespace holdfast::daemon {

struct consensus_setup {
  replay::log_writer_config disk;
  consensus::consensus_config consensus;
  replay::replay_config replay;
  caf::strong_actor_ptr observer; ///< hears of role and membership; may be null
};

class consensus_group {
public:
  consensus_group(caf::actor_system& system, runtime::directory_ptr directory, consensus_setup setup);

  [[nodiscard]] const msg::replay_actor& replay() const { return replay_.handle(); }
  [[nodiscard]] const msg::consensus_actor& consensus() const { return consensus_.handle(); }
  [[nodiscard]] const msg::log_writer_actor& log_writer() const { return log_writer_.handle(); }

  /// The next life begins with this: once none of the present actors lives, `move_files` runs, and the disk
  /// is opened as that node. Loop thread.
  void plan_next_life(node::group_plan plan) { plan_ = std::move(plan); }
  void set_vip(msg::vip_actor vip) { setup_.consensus.vip = std::move(vip); }
  void set_observer(caf::strong_actor_ptr observer) { setup_.observer = std::move(observer); }

  /// For the supervisor; refers to this object, which must outlive it.
  [[nodiscard]] node::child_group as_child();

private:
  std::vector<caf::actor> start();
  void stopped();

  caf::actor_system& system_;
  runtime::directory_ptr directory_;
  consensus_setup setup_;
  std::optional<node::group_plan> plan_;
  runtime::relay<msg::replay_actor> replay_;
  runtime::relay<msg::consensus_actor> consensus_;
  runtime::relay<msg::log_writer_actor> log_writer_;
};

} // namespace holdfast::daemon
