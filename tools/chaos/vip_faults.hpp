// What can be done to the virtual address from outside. Loop thread only; root. Each returns empty or why it
// could not be done; std::runtime_error comes from the programs they call.
#pragma once

#include "tools/chaos/cluster.hpp"

#include <string>

namespace holdfast::chaos {

/// Removes it from its holder behind the holder's back.
[[nodiscard]] asio::awaitable<std::string> delete_address(cluster& on);

/// A host that is no member takes it, announces it twice within a second, and lets go of it again.
[[nodiscard]] asio::awaitable<std::string> claim_address(cluster& on);

} // namespace holdfast::chaos
