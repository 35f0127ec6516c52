// Routes that only jobs have (contract §5.1): their log, their task list, the purge. Event loop.
#pragma once

namespace holdfast::api {

class router;

/// GET, HEAD and PUT jobs/<id>/log, GET jobs/<id>/actions, DELETE jobs.
void add_job_routes(router& routes);

} // namespace holdfast::api
