// The websocket of events, POST events and GET logs (contract §6). Event loop.
#pragma once

#include "actors/api/event_hub.hpp"
#include "actors/api/log_ring.hpp"
#include "actors/api/router.hpp"

#include <memory>

namespace holdfast::api {

/// `hub` outlives the router; the ring may be null (then GET logs is an empty list).
void add_event_routes(router& routes, event_hub& hub, std::shared_ptr<log_ring> ring);

/// Makes the ring's lines events of Type `log`: each is posted to `loop` and published there. At most 1000
/// wait; more are dropped. `hub` outlives the ring's last line or the callback is taken off first
/// (ring->notify({})).
void publish_log_lines(log_ring& ring, event_hub& hub, boost::asio::any_io_executor loop);

} // namespace holdfast::api
