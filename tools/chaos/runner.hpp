// One run of one scenario: cluster up, load on, plan carried out, everything healed, read back and judged.
#pragma once

#include "tools/chaos/judge.hpp"

#include <filesystem>
#include <string>

namespace holdfast::chaos {

struct run_options {
  std::string daemon;
  std::string unsafe_daemon;
  std::uint64_t seed = 1;
  std::filesystem::path folder; ///< of this run; logs, disks, reports
  bool follow = false;          ///< print events as they happen
};

struct run_outcome {
  scenario what;
  std::uint64_t seed = 1;
  run_record record;
  judged verdict;
  std::string error; ///< the run could not be carried out
  [[nodiscard]] bool passed() const { return error.empty() && verdict.passed; }
};

/// Runs to the end on the calling thread, which is left in another network or mount namespace when the
/// scenario has them: one run a process. Nothing is thrown.
[[nodiscard]] run_outcome run_scenario(const scenario& what, const run_options& options);

} // namespace holdfast::chaos
