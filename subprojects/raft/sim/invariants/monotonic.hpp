// Terms, commit and durable positions of a node only grow; over a restart the term still does (the commit
// index is learnt anew). Applied never passes commit, and commit never passes the log.
#pragma once

#include <raft/core.hpp>

#include "sim/violation.hpp"

#include <string>

namespace holdfast::raft::sim {

class monotonic {
public:
  /// The process starts from what its disk holds. A term that was never durable may be forgotten.
  void restarted(term_t durable) {
    grow("durable term", durable_term_, durable);
    term_ = durable;
    commit_ = applied_ = index_t{};
  }

  void check(const core_status& now, index_t machine_applied) {
    grow("term", term_, now.term);
    grow("commit index", commit_, now.commit);
    grow("applied index", applied_, machine_applied);
    if (machine_applied > now.commit)
      fail("applied index " + std::to_string(machine_applied.value) + " is beyond commit index " +
           std::to_string(now.commit.value));
    if (now.commit > now.last)
      fail("commit index " + std::to_string(now.commit.value) + " is beyond the log's end");
    if (now.durable > now.last)
      fail("durable index " + std::to_string(now.durable.value) + " is beyond the log's end");
  }

private:
  template <class Value>
  static void grow(const char* what, Value& known, Value now) {
    if (now < known)
      fail(std::string{what} + " fell from " + std::to_string(known.value) + " to " +
           std::to_string(now.value));
    known = now;
  }
  [[noreturn]] static void fail(const std::string& seen) { throw violation{"monotonic positions", seen}; }

  term_t durable_term_;
  term_t term_;
  index_t commit_;
  index_t applied_;
};

} // namespace holdfast::raft::sim
