// What jobs have beyond other objects (contract §5.1): creation on a machine. Their logs and rendered actions
// are not kept by this server; those routes say so (501) or name an unknown job. Event loop.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/write_draft.hpp"

namespace holdfast::api {

class router;

/// GET and PUT jobs/<id>/log, GET jobs/<id>/actions.
void add_job_routes(router& routes);

/// Judges a job about to be created and links it to its machine: Previous, Current and the machine's
/// CurrentJob. Throws 422 (no such machine) and 409 (busy, not runnable).
void link_new_job(write_draft& draft, json::value& job, json::allocator& memory);

} // namespace holdfast::api
