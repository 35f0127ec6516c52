// Logs of jobs (contract §5.1). Until files have a room of their own a log is kept in the replicated store,
// so that it is durable and on every member before it is acknowledged and a failover keeps it. Its size is
// therefore bounded. Pure: any thread.
//
// In the store, under prefixes that no route shows:
//   _job_logs/<job uuid>             {"Size": bytes so far, "Chunks": n, "Last": {"Bytes": n, "Sha256": hex,
//   "By":
//                                    which API took it, "At": milliseconds of log time}} (Last: of the last
//                                    PUT)
//   _job_logs/<job uuid>/<8 digits>  JSON string: base64 of at most 64 KiB, numbered from 00000000
//   _job_log_room/<2 hex digits>     JSON number: the room that the logs of the jobs of this shard take
#pragma once

#include "actors/api/object_writes.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::api {

inline constexpr std::string_view job_logs_prefix = "_job_logs";
inline constexpr std::string_view job_log_room_prefix = "_job_log_room";
/// Most bytes that one object holds, that one PUT may append, and that one log may have.
inline constexpr std::size_t job_log_chunk = std::size_t{64} << 10;
inline constexpr std::size_t most_appended = std::size_t{1} << 20;
inline constexpr std::size_t most_logged = std::size_t{4} << 20;
/// Most room that all logs together take: their bytes, and so much for each piece, for many small ones take
/// memory too. Writers that come at once may go beyond it by what each of them appends.
inline constexpr std::size_t most_logged_by_all = std::size_t{128} << 20;
inline constexpr std::size_t job_log_piece_cost = 256;
/// A client that lost its answer in a failover sends a PUT again within about 20 s (contract §0.10).
inline constexpr std::chrono::milliseconds repeat_window{60'000};

/// Who appends: `instance` is another one after each start of an API anywhere, `now` is the request's log
/// time.
struct log_writer {
  std::string instance;
  msg::log_time now;
};

/// Appends `bytes` (at most most_appended) to the log of a job; throws the 422 of an unknown job, 413 when
/// the log would become longer than most_logged, and 507 when all logs would take more than
/// most_logged_by_all: then nothing is appended. The bytes of the last PUT again, which another API took no
/// more than repeat_window ago, are the repeat of a client that saw the active die (contract §5.1) and
/// appended once; the same bytes twice from one API are two lines. Answers 204.
[[nodiscard]] write_plan plan_log_append(const msg::view_ptr& view, const std::string& job,
                                         const std::string& method, std::string_view bytes,
                                         const log_writer& by);

/// The line "Log for Job: <uuid>" and everything appended so far, in order. Throws the 422 of an unknown job.
[[nodiscard]] std::string job_log_text(const msg::object_view& view, const std::string& job);

/// Removes a job's log; nothing when there is none.
void drop_job_log(write_draft& draft, std::string_view job);

/// Throws ValidationError 422 `Job <key> does not exist` unless it does.
void require_job(const msg::object_view& view, const std::string& job);

} // namespace holdfast::api
