// From an action of a scenario to faults of single links. Loop thread only.
#pragma once

#include "tools/chaos/link_faults.hpp"
#include "tools/chaos/scenario.hpp"

#include <string>
#include <vector>

namespace holdfast::chaos {

/// cut, block, isolate, unplug, lose, reset, cap, delay, jitter, reorder, duplicate. `others`: the far side,
/// where there is one. Throws std::runtime_error when the place declines.
void act_on_links(link_faults& links, const action& what, const std::vector<unsigned>& whom,
                  const std::vector<unsigned>& others);

/// partition halves|ring|bridge of the members in this order.
void divide(link_faults& links, const std::string& shape, const std::vector<unsigned>& all);

} // namespace holdfast::chaos
