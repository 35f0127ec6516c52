// What the state-hash entries have shown on this node so far (WAL-06). Written by replay, read by the cluster
// desk, which compares it with the other members' before anything is given up, and says what came of that.
// Event loop only.
#pragma once

#include "messages/entry_kinds.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::msg {

struct state_verdict {
  struct seen {
    std::uint64_t index = 0;
    state_digest own; ///< of this node's state at that index
  };
  /// The newest index at which this node's state equalled the proposer's, also while it is doubted.
  std::uint64_t same = 0;
  std::uint64_t differs = 0; ///< the first index at which this node's state was doubted; 0: it is not
  std::string trouble;       ///< the desk's: why nothing is served any more, and what to do; for people
  std::deque<seen> recent;   ///< of the last state-hash entries, newest last

  static constexpr std::size_t most_recent = 64;
  void note(std::uint64_t index, const state_digest& own) {
    recent.push_back({index, own});
    if (recent.size() > most_recent)
      recent.pop_front();
  }
  [[nodiscard]] std::optional<state_digest> own_at(std::uint64_t index) const {
    const auto found =
        std::find_if(recent.begin(), recent.end(), [index](const seen& one) { return one.index == index; });
    return found == recent.end() ? std::nullopt : std::optional{found->own};
  }
};
using state_verdict_ptr = std::shared_ptr<state_verdict>;

} // namespace holdfast::msg
