// From a plan to an answer: look, propose, look again on conflict (architecture §5). Event loop of the
// request.
#pragma once

#include "actors/api/object_writes.hpp"
#include "actors/api/request_context.hpp"

#include <functional>

namespace holdfast::api {

/// Makes one attempt over a view; refusals are thrown as api_error. Pure: for large bodies it runs on another
/// thread while the request waits.
using planner = std::function<write_plan(const msg::view_ptr&)>;

/// Runs `plan` against what this node has applied and proposes the result; after a conflict, or before any
/// refusal is believed, against a view proven current. With an Idempotency-Key the first answer (refusals
/// included) is stored with the transaction and given to every repeat (C-08); another request under that key
/// is refused. Gives up with 409 after 16 conflicts.
[[nodiscard]] boost::asio::awaitable<net::http_response> run_write(request_context& ctx, planner plan);

} // namespace holdfast::api
