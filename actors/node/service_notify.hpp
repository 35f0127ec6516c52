// Readiness and watchdog of systemd, when it is there; otherwise every call does nothing. Never blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace holdfast::node {

void notify_ready();
void notify_stopping();
/// One line for `systemctl status`.
void notify_status(std::string_view text);
/// To be called at least every watchdog_interval() / 2 by the loop that proves the node alive.
void notify_watchdog();
/// What the unit asks for (WatchdogSec), if anything.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

} // namespace holdfast::node
