// Logs of jobs (contract §5.1). Until files have a room of their own a log is kept in the replicated store,
// so that it is durable and on every member before it is acknowledged and a failover keeps it. Its size is
// therefore bounded. Pure: any thread.
//
// In the store, under a prefix that no route shows:
//   _job_logs/<job uuid>             {"Size": bytes so far, "Chunks": n}
//   _job_logs/<job uuid>/<8 digits>  JSON string: base64 of at most 64 KiB, numbered from 00000000
#pragma once

#include "actors/api/object_writes.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::api {

inline constexpr std::string_view job_logs_prefix = "_job_logs";
/// Most bytes that one object holds, that one PUT may append, and that one log may have.
inline constexpr std::size_t job_log_chunk = std::size_t{64} << 10;
inline constexpr std::size_t most_appended = std::size_t{1} << 20;
inline constexpr std::size_t most_logged = std::size_t{4} << 20;

/// Appends `bytes` (at most most_appended) to the log of a job; throws the 422 of an unknown job, and 413
/// when the log would become longer than most_logged: then nothing is appended. Answers 204.
[[nodiscard]] write_plan plan_log_append(const msg::view_ptr& view, const std::string& job,
                                         const std::string& method, std::string_view bytes);

/// The line "Log for Job: <uuid>" and everything appended so far, in order. Throws the 422 of an unknown job.
[[nodiscard]] std::string job_log_text(const msg::object_view& view, const std::string& job);

/// Removes a job's log; nothing when there is none.
void drop_job_log(write_draft& draft, std::string_view job);

/// Throws ValidationError 422 `Job <key> does not exist` unless it does.
void require_job(const msg::object_view& view, const std::string& job);

} // namespace holdfast::api
