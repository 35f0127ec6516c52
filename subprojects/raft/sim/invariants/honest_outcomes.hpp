// What a proposer is told is true: "committed" stands in the log at that index, "surely not" and "overloaded"
// never will.
#pragma once

#include <raft/output.hpp>

#include "sim/invariants/committed_log.hpp"

#include <string>
#include <unordered_set>

namespace holdfast::raft::sim {

class honest_outcomes {
public:
  /// Payloads are unique over a run: every attempt of a client carries its own number.
  void told(const committed_log& truth, const proposal_outcome& outcome, const std::string& payload) {
    switch (outcome.status) {
    case outcome_status::committed:
      if (outcome.index > truth.last() || !truth.at(outcome.index).payload ||
          *truth.at(outcome.index).payload != payload)
        fail("a proposal reported committed is not in the log at index " +
             std::to_string(outcome.index.value));
      break;
    case outcome_status::surely_not:
    case outcome_status::overloaded:
      if (places_.contains(payload))
        fail("a committed proposal was reported as surely not done");
      denied_.insert(payload);
      break;
    case outcome_status::unknown:
      break;
    }
  }

  /// Every application entry as it becomes committed.
  void committed(const entry& e) {
    if (!e.payload)
      return;
    if (denied_.contains(*e.payload))
      fail("a proposal reported as surely not done was committed at index " + std::to_string(e.index.value));
    if (!places_.insert(*e.payload).second)
      fail("a proposal was committed twice, again at index " + std::to_string(e.index.value));
  }

private:
  [[noreturn]] static void fail(const std::string& seen) { throw violation{"honest outcomes", seen}; }

  std::unordered_set<std::string> places_;
  std::unordered_set<std::string> denied_;
};

} // namespace holdfast::raft::sim
