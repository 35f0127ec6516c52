// The way in for whoever assembles the API: every route over objects. Event loop.
#pragma once

#include "actors/api/event_hub.hpp"
#include "actors/api/log_ring.hpp"
#include "actors/api/router.hpp"

#include <memory>

namespace holdfast::api {

/// Adds objects, indexes, interfaces, contents, events, websocket, logs, meta, params, actions and the
/// generic routes of every prefix. `hub` outlives the router; `ring` may be null.
void add_object_api(router& routes, event_hub& hub, std::shared_ptr<log_ring> ring);

} // namespace holdfast::api
