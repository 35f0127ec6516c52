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

  /// Does it and says what was done, to whom, and in `failure` why it could not be done.
  asio::awaitable<timeline_event> perform(action what);
  /// Ends every fault and starts every member.
  asio::awaitable<void> recover();

private:
  asio::awaitable<std::vector<member*>> resolve(target who, milliseconds patience);
  asio::awaitable<std::string> act_on(const action& what, member& one);
  asio::awaitable<std::string> act(const action& what, std::vector<member*> whom);
  asio::awaitable<std::string> stop(member& one);
  asio::awaitable<std::string> halt(member& one);
  asio::awaitable<std::string> hand_over(milliseconds patience);
  asio::awaitable<std::string> control_actor(const action& what, member& one);
  std::string act_on_process(const action& what, member& one);

  cluster& cluster_;
  cgroups groups_;
  std::mt19937_64 dice_;
};

} // namespace holdfast::chaos
