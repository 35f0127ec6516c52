// Nothing is promised before it is durable: no vote, no candidacy and no accepted append leaves a node before
// its disk would remember it.
#pragma once

#include <raft/message.hpp>

#include "sim/disk.hpp"

namespace holdfast::raft::sim {

struct durable_promise {
  /// Called for every message at the moment it leaves.
  static void check(const message& sent, const image& disk) {
    if (const auto* vote = std::get_if<vote_response>(&sent.body);
        vote != nullptr && vote->granted && !vote->pre)
      require(disk.state.term > vote->asked_term ||
                  (disk.state.term == vote->asked_term && disk.state.vote == sent.to),
              "a vote left before it was durable");
    if (const auto* ask = std::get_if<vote_request>(&sent.body); ask != nullptr && !ask->pre)
      require(disk.state.term >= ask->asked_term, "a candidacy left before its term was durable");
    if (const auto* accepted = std::get_if<append_response>(&sent.body);
        accepted != nullptr && !accepted->rejected) {
      require(disk.log.last() >= accepted->match, "entries were acknowledged before they were durable");
      require(disk.state.term >= sent.term, "entries were acknowledged before their term was durable");
    }
    if (const auto* stored = std::get_if<snapshot_status>(&sent.body); stored != nullptr && stored->installed)
      require(disk.log.last() >= stored->index || disk.snapshot.meta.index >= stored->index,
              "a snapshot was acknowledged before it was durable");
  }

private:
  static void require(bool holds, const char* seen) {
    if (!holds)
      throw violation{"no promise before it is durable", seen};
  }
};

} // namespace holdfast::raft::sim
