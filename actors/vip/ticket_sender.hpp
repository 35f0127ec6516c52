// Sends the release tickets that the daemon left with its guard (architecture §7).
#pragma once

#include "actors/vip/guard_protocol.hpp"

namespace holdfast::vip {

/// To every target, more than once: datagrams get lost. Takes 130 ms.
void send_release_tickets(const to_guard::tickets& tickets);

} // namespace holdfast::vip
