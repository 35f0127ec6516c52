// node: the root supervisor. It starts the children, watches them, starts again what ended, shows the live
// tree, and ends everything in order. It knows nothing of what a child does: the assembly (tools/holdfastd)
// hands it functions.
//
// Children come in groups. A group of one is restarted alone; the members of a larger group share state that
// is only consistent as a whole, so when one ends the others are ended too and all start anew once the last
// is gone.
//
// An actor that has messages and handles none for long is stuck: suspended, or blocked where nothing may
// block. It is not restarted, for it may hold the only word on what became of a write; but a critical one
// makes the verdict on this node bad until it moves again.
#pragma once

#include "actors/node/restart_policy.hpp"
#include "messages/actors.hpp"
#include "runtime/counting_actor.hpp"

#include <chrono>
#include <functional>
#include <map>
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
  std::chrono::milliseconds stuck_after{10'000};   ///< without a message handled, while some wait
  std::chrono::milliseconds suspend_limit{60'000}; ///< a suspended actor goes on by itself after that
  /// The verdict on this node changed: whether all critical groups are well, and which is not. Supervisor's
  /// thread.
  std::function<void(bool healthy, const std::string& reason)> verdict;
};

using again_atom = caf::atom_constant<caf::atom("again")>;
using look_atom = caf::atom_constant<caf::atom("look")>;
using due_atom = caf::atom_constant<caf::atom("due")>;
using supervisor_self =
    msg::node_actor::extend<caf::reacts_to<again_atom, std::uint64_t>, caf::reacts_to<look_atom>,
                            caf::reacts_to<due_atom, std::string, std::uint64_t>>;

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

  /// What an actor had done when the supervisor last looked.
  struct progress {
    std::uint64_t id = 0;
    std::uint64_t messages = 0;
    caf::actor_clock::time_point since{};
    bool stuck = false;
  };

  void start_group(std::size_t at);
  void child_ended(const caf::down_msg& down);
  void group_gone(std::size_t at);
  void set_states(std::size_t at, runtime::life_state state);
  void give_verdict();
  void look_for_stuck();
  void suspend(const std::string& name, runtime::actor_card& card);
  void end_suspension(const std::string& name, std::uint64_t number);
  [[nodiscard]] caf::actor child(const std::string& name) const;
  void end_next_group();
  [[nodiscard]] std::string control(const std::string& verb, const std::string& name);
  [[nodiscard]] static bool all_gone(const group_state& group);

  supervisor_config config_;
  std::vector<group_state> groups_;
  std::map<std::string, progress> seen_;
  std::map<std::string, std::uint64_t> suspensions_; ///< how many there were, by name
  bool ending_ = false;
  std::string unhealthy_;
};

} // namespace holdfast::node
