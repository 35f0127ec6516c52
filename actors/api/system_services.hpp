// What the routes of this half of the room share, and the functions that register them. Event loop only; all
// references outlive the router.
#pragma once

#include "actors/api/actor_rates.hpp"
#include "actors/api/auth.hpp"
#include "actors/api/node_port.hpp"
#include "actors/api/router.hpp"

namespace holdfast::api {

struct system_services {
  services& shared;
  api_auth& auth;
  node_port& node;
  actor_rates rates{};
};

/// users/<name>/token and /password (contract §1.2).
void add_user_routes(router& into, system_services& with);
/// prefs (contract §7.3).
void add_pref_routes(router& into, system_services& with);
/// info (contract §7.1), health/ready, health/active, metrics.
void add_status_routes(router& into, system_services& with);
/// system/consensus/*, system/active, system/passive (contract §8.2).
void add_consensus_routes(router& into, system_services& with);
/// system/consensus/verify (WAL-09).
void add_verify_routes(router& into, system_services& with);
/// system/actors and system/cert (architecture §9, contract §8.2).
void add_system_routes(router& into, system_services& with);

/// Lets a handler be written as a function of the context and these services.
using system_handler = boost::asio::awaitable<net::http_response> (*)(request_context&, system_services&);
[[nodiscard]] inline plain_handler bind_handler(system_handler run, system_services& with) {
  return [run, &with](request_context& ctx) { return run(ctx, with); };
}

} // namespace holdfast::api
