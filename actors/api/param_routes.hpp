// The sub-resources of objects (contract §3.8, §3.9): params, meta, actions, pubkey. Event loop.
#pragma once

#include "actors/api/router.hpp"

namespace holdfast::api {

void add_param_routes(router& routes);

} // namespace holdfast::api
