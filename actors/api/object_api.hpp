// The way in for whoever assembles the API: every route over objects, and what must be in the store before
// the first request. Event loop.
#pragma once

#include "actors/api/event_hub.hpp"
#include "actors/api/log_ring.hpp"
#include "actors/api/router.hpp"

#include <memory>
#include <string>

namespace holdfast::api {

/// Adds objects, indexes, interfaces, contents, events, websocket, logs, meta, params, actions and the
/// generic routes of every prefix. `hub` outlives the router; `ring` may be null.
void add_object_api(router& routes, event_hub& hub, std::shared_ptr<log_ring> ring);

/// Brings the built-in objects into the store. The active calls it before it serves; doing it again changes
/// nothing. Returns an empty string, or why it could not.
[[nodiscard]] boost::asio::awaitable<std::string> ensure_builtins(services& shared);

} // namespace holdfast::api
