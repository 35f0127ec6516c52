// Carries out the actions of a plan on a cluster. Loop thread only.
#pragma once

#include "tools/chaos/cgroup.hpp"
#include "tools/chaos/cluster.hpp"
#include "tools/chaos/timeline.hpp"

#include <random>

namespace holdfast::chaos {

class nemesis {
public:
  nemesis(cluster& on, std::uint64_t seed);

  /// Does it and says what was done, to whom, and what went wrong: faults hit faults, so an action that fails
  /// is a line of the timeline and not the end of the run.
  asio::awaitable<timeline_event> perform(action what);
  /// Ends every fault and starts every member.
  asio::awaitable<void> recover();

private:
  asio::awaitable<std::vector<member*>> resolve(target who);
  asio::awaitable<std::string> act_on(const action& what, member& one);
  asio::awaitable<std::string> act(const action& what, std::vector<member*> whom);
  asio::awaitable<std::string> stop(member& one);
  asio::awaitable<std::string> hand_over();
  asio::awaitable<std::string> control_actor(const action& what, member& one);
  std::string act_on_process(const action& what, member& one);
  std::string act_on_disk(const action& what, member& one);
  void act_on_network(const action& what, const std::vector<member*>& whom,
                      const std::vector<member*>& others);
  void divide(const std::string& shape);

  cluster& cluster_;
  cgroups groups_;
  std::mt19937_64 dice_;
};

} // namespace holdfast::chaos
