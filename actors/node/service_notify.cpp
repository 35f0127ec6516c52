#include "actors/node/service_notify.hpp"

#include <string>

#ifdef HOLDFAST_HAS_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace holdfast::node {

#ifdef HOLDFAST_HAS_SYSTEMD

// A lost notification is nothing to act on: without systemd there is nobody to tell.
void notify_ready() {
  static_cast<void>(sd_notify(0, "READY=1"));
}
void notify_stopping() {
  static_cast<void>(sd_notify(0, "STOPPING=1"));
}
void notify_status(std::string_view text) {
  static_cast<void>(sd_notify(0, ("STATUS=" + std::string(text)).c_str()));
}
void notify_watchdog() {
  static_cast<void>(sd_notify(0, "WATCHDOG=1"));
}
std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t us = 0;
  if (sd_watchdog_enabled(0, &us) <= 0)
    return std::nullopt;
  return std::chrono::microseconds(us);
}

#else

void notify_ready() {}
void notify_stopping() {}
void notify_status(std::string_view) {}
void notify_watchdog() {}
std::optional<std::chrono::microseconds> watchdog_interval() {
  return std::nullopt;
}

#endif

} // namespace holdfast::node
