// node: the root supervisor. It starts the children, watches them, starts again what ended, shows the live
// tree, and ends everything in order. It knows nothing of what a child does: the assembly (tools/holdfastd)
// hands it functions.
//
// Children come in groups. A group of one is restarted alone; the members of a larger group share state that
// is only consistent as a whole, so when one ends the others are ended too and all start anew once the last
// is gone.
#pragma once

#include "actors/node/restart_policy.hpp"
#include "messages/actors.hpp"
#include "runtime/counting_actor.hpp"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::node {

struct child_group {
  std::string name;
  std::vector<std::string> members; ///< names of the actors, in the order `start` returns them
  bool critical = false;            ///< without it this node must not be the active one
  /// Spawns all members. Called on the supervisor's thread; may throw, which counts as an end.
  std::function<std::vector<caf::actor>()> start;
  /// All members of the last life are gone (or about to be); aim relays at nobody.
  std::function<void()> stopped;
};

struct supervisor_config {
  runtime::directory_ptr directory;
  std::vector<child_group> groups; ///< in the order of start; ended in the opposite order
  restart_limits limits;
  /// The verdict on this node changed: whether all critical groups are well, and which is not. Supervisor's
  /// thread.
  std::function<void(bool healthy, const std::string& reason)> verdict;
};

using again_atom = caf::atom_constant<caf::atom("again")>;
using supervisor_self = msg::node_actor::extend<caf::reacts_to<again_atom, std::uint64_t>>;

class supervisor_impl final : public runtime::counting_actor<supervisor_self::base> {
public:
  supervisor_impl(caf::actor_config& cfg, runtime::card_ptr card, supervisor_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  struct group_state {
    restart_policy policy;
    std::vector<caf::actor> actors; ///< null: gone
    bool stopping = false;          ///< members were asked to end; waiting for the last
    bool failed = false;
  };

  void start_group(std::size_t at);
  void child_ended(const caf::down_msg& down);
  void group_gone(std::size_t at);
  void set_states(std::size_t at, runtime::life_state state);
  void give_verdict();
  void end_next_group();
  [[nodiscard]] std::string control(const std::string& verb, const std::string& name);
  [[nodiscard]] static bool all_gone(const group_state& group);

  supervisor_config config_;
  std::vector<group_state> groups_;
  bool ending_ = false;
  std::string unhealthy_;
};

} // namespace holdfast::node
