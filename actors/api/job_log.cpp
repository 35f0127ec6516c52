#include "actors/api/job_log.hpp"

#include "actors/api/crypto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace holdfast::api {
namespace {

/// The last PUT, as the head of a log remembers it.
struct last_put {
  std::size_t bytes = 0;
  std::string sha256;
  std::string by;
  std::int64_t at_ms = 0;
};

struct log_head {
  std::size_t size = 0;
  std::size_t chunks = 0;
  last_put last;
};

std::size_t number_in(const json::value& from, std::string_view name) {
  const auto* found = json::member(from, name);
  return found && found->IsUint64() ? found->GetUint64() : 0;
}

log_head read_head(const msg::object_view& view, std::string_view job) {
  const auto stored = view.get(job_logs_prefix, job);
  json::document doc;
  if (!stored || json::parse(stored->json, doc))
    return {};
  const auto& head = std::as_const(static_cast<json::value&>(doc));
  log_head out{number_in(head, "Size"), number_in(head, "Chunks"), {}};
  if (const auto* last = json::member(head, "Last"))
    out.last = {number_in(*last, "Bytes"), std::string(json::text_at(*last, "Sha256")),
                std::string(json::text_at(*last, "By")), static_cast<std::int64_t>(number_in(*last, "At"))};
  return out;
}

std::string head_text(const log_head& head) {
  return fmt::format(R"({{"Size":{},"Chunks":{},"Last":{{"Bytes":{},"Sha256":"{}","By":"{}","At":{}}}}})",
                     head.size, head.chunks, head.last.bytes, head.last.sha256, head.last.by,
                     head.last.at_ms);
}

/// True for the repeat of a PUT whose answer was lost with the API that took it.
bool is_repeat(const last_put& last, const last_put& now) {
  const auto age = now.at_ms - last.at_ms;
  return now.bytes > 0 && last.by != now.by && last.bytes == now.bytes && last.sha256 == now.sha256 &&
         age >= 0 && age <= repeat_window.count();
}

std::size_t room_of(const log_head& head) {
  return head.size + head.chunks * job_log_piece_cost;
}

/// Appends of different jobs must not wait for one counter: it is kept in 256 parts (FNV-1a of the key).
std::string shard_of(std::string_view job) {
  std::uint32_t hash = 2166136261U;
  for (const char c : job)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return fmt::format("{:02x}", (hash ^ (hash >> 8U) ^ (hash >> 16U)) & 0xffU);
}

std::size_t parse_room(std::string_view text) {
  std::size_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::size_t room_of_all(const msg::object_view& view) {
  std::size_t out = 0;
  view.scan(job_log_room_prefix, "", [&](std::string_view, const msg::object_ref& object) {
    out += parse_room(object->json);
    return true;
  });
  return out;
}

/// A shard that counts less than is taken away was made before rooms were counted.
void change_room(write_draft& draft, std::string_view job, std::size_t more, std::size_t less) {
  const auto shard = shard_of(job);
  const auto stored = draft.get(job_log_room_prefix, shard);
  const auto before = (stored ? parse_room(*stored) : 0) + more;
  draft.put(job_log_room_prefix, shard, std::to_string(before - std::min(before, less)));
}

void check_room(const msg::object_view& view, const log_head& head, const std::string& job,
                const std::string& method, std::size_t bytes) {
  if (head.size + bytes > most_logged)
    throw api_error(
        {"jobs",
         job,
         method,
         {fmt::format(
             "The log of job {} holds {} of at most {} bytes; these {} do not fit and were not appended", job,
             head.size, most_logged, bytes)},
         413});
  const auto all = room_of_all(view);
  if (all + bytes > most_logged_by_all)
    throw api_error(
        {"jobs",
         job,
         method,
         {fmt::format("The logs of all jobs take {} of at most {} bytes; these {} do not fit and were not "
                      "appended. Delete ended jobs, or purge them (DELETE jobs), to make room",
                      all, most_logged_by_all, bytes)},
         507});
}

std::string chunk_key(std::string_view job, std::size_t number) {
  return fmt::format("{}/{:08}", job, number);
}

} // namespace

void require_job(const msg::object_view& view, const std::string& job) {
  if (!view.get("jobs", job))
    throw api_error({"", "", "ValidationError", {"Job " + job + " does not exist"}, 422});
}

write_plan plan_log_append(const msg::view_ptr& view, const std::string& job, const std::string& method,
                           std::string_view bytes, const log_writer& by) {
  require_job(*view, job);
  auto head = read_head(*view, job);
  write_plan plan;
  plan.status = 204;
  if (bytes.empty())
    return plan;
  const last_put now{bytes.size(), to_hex(as_text(sha256(bytes))), by.instance, by.now.ms};
  write_draft draft(view);
  // A job that is deleted meanwhile must not leave a log behind.
  draft.expect_unchanged("jobs", job);
  if (!is_repeat(head.last, now)) {
    check_room(*view, head, job, method, bytes.size());
    const auto before = room_of(head);
    head.size += bytes.size();
    while (!bytes.empty()) {
      const auto part = bytes.substr(0, job_log_chunk);
      draft.put(job_logs_prefix, chunk_key(job, head.chunks++), json::quoted(to_base64(part)));
      bytes.remove_prefix(part.size());
    }
    change_room(draft, job, room_of(head) - before, 0);
  }
  // A repeat is written down too: the same bytes once more are then a line of their own.
  head.last = now;
  draft.put(job_logs_prefix, job, head_text(head));
  plan.tx = draft.take();
  return plan;
}

std::string job_log_text(const msg::object_view& view, const std::string& job) {
  require_job(view, job);
  std::string out = "Log for Job: " + job + "\n";
  const auto head = read_head(view, job);
  out.reserve(out.size() + std::min(head.size, most_logged));
  for (std::size_t number = 0; number < head.chunks; ++number) {
    const auto stored = view.get(job_logs_prefix, chunk_key(job, number));
    json::document doc;
    const auto bytes =
        stored && !json::parse(stored->json, doc) ? from_base64(json::text(doc)) : std::nullopt;
    if (!bytes)
      throw api_error(
          {"jobs", job, "GET", {fmt::format("Part {} of the job's log cannot be read", number)}, 500});
    out += *bytes;
  }
  return out;
}

void drop_job_log(write_draft& draft, std::string_view job) {
  const auto head = read_head(draft.base(), job);
  for (std::size_t number = 0; number < head.chunks; ++number)
    draft.remove(job_logs_prefix, chunk_key(job, number));
  draft.remove(job_logs_prefix, job);
  if (head.chunks > 0)
    change_room(draft, job, 0, room_of(head));
}

} // namespace holdfast::api
