// One run of the daemon, from settings to exit code.
#pragma once

#include "actors/node/settings.hpp"
#include "actors/vip/guard_keeper.hpp"

#include <string>
#include <vector>

namespace holdfast::daemon {

/// Takes the base root, starts everything, serves until SIGTERM or SIGINT, ends everything. Returns the exit
/// code (messages/fatal.hpp). Main thread; the log must be set up. `warnings` are logged first.
/// `guard` was forked before; this process gives its own rights up here.
[[nodiscard]] int run_daemon(const node::settings& settings, const std::vector<std::string>& warnings,
                             vip::guard_handle guard);

} // namespace holdfast::daemon
