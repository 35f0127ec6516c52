// From a scenario and a seed to the list of what is done, one after the other. Pure.
#pragma once

#include "tools/chaos/scenario.hpp"

#include <functional>

namespace holdfast::chaos {

/// Repeats are written out and swarms drawn, so that only at, wait, until and act remain. The same scenario
/// and seed give the same plan on every machine. Throws scenario_error when it would have more than 100,000
/// steps.
[[nodiscard]] std::vector<step> make_plan(const scenario& what, std::uint64_t seed);

/// The least time the plan's own pauses take; what is waited for and done comes on top.
[[nodiscard]] milliseconds shortest_time(const std::vector<step>& plan);

/// True when a step, at any depth, does this.
[[nodiscard]] bool acts(const std::vector<step>& steps, const std::function<bool(action_kind)>& wanted);

/// What the scenario needs and this runner's user lacks; empty when it can run. `is_root` and the programs
/// found are passed in, so that this stays pure.
struct abilities {
  bool root = false;
  bool unsafe_daemon = false;
  bool strace = false;
  bool faketime = false;
  bool cgroups = false;
};
[[nodiscard]] std::string missing_for(const scenario& what, const abilities& have);

} // namespace holdfast::chaos
