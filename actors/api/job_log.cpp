#include "actors/api/job_log.hpp"

#include "actors/api/crypto.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::api {
namespace {

struct log_head {
  std::size_t size = 0;
  std::size_t chunks = 0;
};

log_head read_head(const msg::object_view& view, std::string_view job) {
  const auto stored = view.get(job_logs_prefix, job);
  json::document doc;
  if (!stored || json::parse(stored->json, doc))
    return {};
  const auto number = [&](std::string_view name) -> std::size_t {
    const auto* found = json::member(std::as_const(static_cast<json::value&>(doc)), name);
    return found && found->IsUint64() ? found->GetUint64() : 0;
  };
  return {number("Size"), number("Chunks")};
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
                           std::string_view bytes) {
  require_job(*view, job);
  auto head = read_head(*view, job);
  if (head.size + bytes.size() > most_logged)
    throw api_error(
        {"jobs",
         job,
         method,
         {fmt::format(
             "The log of job {} holds {} of at most {} bytes; these {} do not fit and were not appended", job,
             head.size, most_logged, bytes.size())},
         413});
  write_draft draft(view);
  // A job that is deleted meanwhile must not leave a log behind.
  draft.expect_unchanged("jobs", job);
  head.size += bytes.size();
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, job_log_chunk);
    draft.put(job_logs_prefix, chunk_key(job, head.chunks++), json::quoted(to_base64(part)));
    bytes.remove_prefix(part.size());
  }
  draft.put(job_logs_prefix, job, fmt::format(R"({{"Size":{},"Chunks":{}}})", head.size, head.chunks));
  draft.forget_if_unchanged(job_logs_prefix, job);
  write_plan plan;
  plan.status = 204;
  if (draft.changes() > 0)
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
}

} // namespace holdfast::api
