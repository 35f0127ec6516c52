// What jobs have beyond other objects (contract §5.1): which task of its machine a new one runs, what its end
// does to the machine, and which old ones go. Pure: any thread; the time comes with the request.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/object_writes.hpp"

#include <functional>
#include <string_view>

namespace holdfast::api {

/// POST jobs. `job` is the shaped body; Uuid, Machine and Context are taken from it, the rest is decided
/// here:
///   201  a new job for the machine's next task, which becomes the machine's current one
///   202  the machine's current job is `incomplete`: that job goes on, nothing changes
///   204  no task is left
/// Throws 422 without such a machine, 409 when it is not runnable or available, is busy, or its next task is
/// a directive that this server cannot carry out. `stage:`, `bootenv:` and `context:` entries of the task
/// list change the machine and are passed over.
[[nodiscard]] write_plan plan_new_job(write_draft draft, const write_request& request, json::document& job);

/// What a changed State brings with it: StartTime and EndTime in the job; a failed job makes its machine not
/// Runnable, the end of the last task completes the machine's workflow.
void follow_job_state(write_draft& draft, const json::value& before, json::value& after,
                      json::allocator& memory, msg::log_time now);

/// DELETE jobs: removes jobs that ended and are not their machine's current one, as the prefs say: beyond the
/// newest `jobsToKeep` of a machine, or older than `failedJobsPurgedAfter` / `completeJobsPurgedAfter`. At
/// most 500 at a time; answers {"Deleted": n, "Remaining": n}. `may_delete` hides what the asker has no right
/// to.
[[nodiscard]] write_plan plan_job_purge(const msg::view_ptr& view, msg::log_time now,
                                        const std::function<bool(std::string_view key)>& may_delete);

} // namespace holdfast::api
