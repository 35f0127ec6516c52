// The generic routes over the table of prefixes (contract §3.4): lists, one object, create, replace, patch,
// delete, long polls, actions, `objects` and `indexes`. Event loop.
#pragma once

#include "actors/api/object_writes.hpp"
#include "actors/api/prefix_table.hpp"
#include "actors/api/request_context.hpp"
#include "actors/api/router.hpp"

namespace holdfast::api {

/// Adds the routes of every prefix in the table.
void add_object_routes(router& routes);

/// The description of the prefix in the path (parameter `prefix`, else its first segment); throws "No route"
/// (404) when there is none.
[[nodiscard]] const prefix_desc& prefix_of(const request_context& ctx);

/// What a request to write the object in the path is made of, with the check of the asker's rights. `ctx`
/// outlives the result.
[[nodiscard]] write_request write_request_of(request_context& ctx, const prefix_desc& desc, std::string key,
                                             std::string body);

} // namespace holdfast::api
