// How a checker says that the run is over: what was promised and what was seen instead.
#pragma once

#include <stdexcept>
#include <string>

namespace holdfast::raft::sim {

struct violation : std::runtime_error {
  violation(const char* invariant, const std::string& seen)
      : std::runtime_error(std::string{invariant} + ": " + seen) {}
};

} // namespace holdfast::raft::sim
