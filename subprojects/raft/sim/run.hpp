// One simulated run from one seed, and what it leaves behind.
#pragma once

#include "sim/clocks.hpp"
#include "sim/marks.hpp"

#include <cstdint>
#include <string>

namespace holdfast::raft::sim {

struct run_result {
  std::uint64_t seed = 0;
  bool failed = false;
  std::string failure;          ///< which invariant, and what was seen
  std::string options;          ///< what the seed drew
  std::string tail;             ///< the last events before the failure, one a line
  std::uint64_t events = 0;     ///< steps of the world; a failing run ends at this step
  std::uint64_t trace_hash = 0; ///< over every event and every output: equal runs have equal hashes
  std::uint64_t writes = 0;
  std::uint64_t reads = 0;
  microseconds simulated{0};
  mark_table marks;
};

/// Runs the safety phase and then the liveness phase. `trace`: print every event to standard output.
/// Never throws: a violated invariant is part of the result.
run_result run_seed(std::uint64_t seed, bool trace);

/// Prints what is known of the run that this thread is in; for a handler of SIGABRT, when the core itself
/// asserted.
void print_current_run();

} // namespace holdfast::raft::sim
