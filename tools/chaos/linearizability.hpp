// Is there an order of the operations, one register at a time, that respects real time and in which every
// answer is right? (Herlihy & Wing, 1990; the search is Wing & Gong's with the memory of Lowe, 2017.)
//
// Registers are independent, so each key is searched by itself (locality). An unknown write whose value
// nobody ever saw is left out: if an order exists with it, one exists without it. One whose value was seen
// did happen and may be placed anywhere after its call.
#pragma once

#include "tools/chaos/history.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::chaos {

struct linearizability_limits {
  std::uint64_t steps_per_key = 50'000'000; ///< beyond: the verdict is `undecided`
};

enum class verdict : std::uint8_t { linearizable, violated, undecided };

struct linearizability_result {
  verdict what = verdict::linearizable;
  std::uint32_t key = 0;      ///< of the first register that is not linearizable
  std::size_t operations = 0; ///< looked at, over all keys
  std::uint64_t steps = 0;
  std::string explanation; ///< the shortest prefix that has no order, one operation a line
};

[[nodiscard]] linearizability_result check_linearizable(const history& all,
                                                        const linearizability_limits& limits = {});

/// One operation as a line for people.
[[nodiscard]] std::string describe(const operation& op);

} // namespace holdfast::chaos
