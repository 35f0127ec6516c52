// Whose copy of the state is the wrong one (WAL-06)? A state-hash entry carries the digest of whoever
// proposed it, and that one, the active, may be the one that is wrong: memory, disk and program faults do not
// ask for roles. So nobody is believed for its role; the digest that a majority of the voting members have at
// that index is the right one. Without a majority (members down, or more than two digests) nothing is given
// up. Pure.
#pragma once

#include "messages/entry_kinds.hpp"

#include <algorithm>
#include <vector>

namespace holdfast::node {

enum class state_judgement : std::uint8_t { undecided, right, wrong };

/// `own` is this voting member's digest at the index, `others` those of the other voting members that could
/// say theirs, `voters` the number of voting members, this one included.
[[nodiscard]] inline state_judgement
judge_state(const msg::state_digest& own, const std::vector<msg::state_digest>& others, std::size_t voters) {
  const auto majority = static_cast<std::ptrdiff_t>(voters / 2 + 1);
  if (1 + std::count(others.begin(), others.end(), own) >= majority)
    return state_judgement::right;
  for (const auto& one : others) {
    if (one != own && std::count(others.begin(), others.end(), one) >= majority)
      return state_judgement::wrong;
  }
  return state_judgement::undecided;
}

} // namespace holdfast::node
