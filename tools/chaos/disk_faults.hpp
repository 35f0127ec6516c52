// What can be done to the disk of a member. Loop thread only. Each returns empty or why it could not be done;
// std::exception comes from the file system.
#pragma once

#include "tools/chaos/cluster.hpp"

#include <string>

namespace holdfast::chaos {

/// fill, empty, power_cut, rot, mend_disk, slow_disk, fail_disk; comes back when it is in force.
[[nodiscard]] asio::awaitable<std::string> act_on_disk(cluster& on, const action& what, member& one);

} // namespace holdfast::chaos
