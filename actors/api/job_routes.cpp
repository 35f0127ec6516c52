#include "actors/api/job_routes.hpp"

#include "actors/api/object_shape.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/router.hpp"

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

/// A machine waits on a job that has not come to an end.
bool is_busy(std::string_view state) {
  return state == "created" || state == "running";
}

awaitable<http_response> not_kept(request_context& ctx) {
  const std::string key(ctx.param("key"));
  const bool reads = ctx.head().method == http_method::get || ctx.head().method == http_method::head;
  ctx.require("jobs", reads ? "get" : "log", key);
  const auto view = co_await ctx.view();
  if (!view->get("jobs", key))
    throw api_error({"", "", "ValidationError", {"Job " + key + " does not exist"}, 422});
  throw api_error({"jobs",
                   key,
                   ctx.head().method_name,
                   {"This server keeps no job logs and renders no job actions"},
                   501});
}

void add(router& routes, http_method method, std::string pattern) {
  route entry;
  entry.method = method;
  entry.pattern = std::move(pattern);
  entry.run = plain_handler(not_kept);
  routes.add(std::move(entry));
}

} // namespace

void link_new_job(write_draft& draft, json::value& job, json::allocator& memory) {
  const std::string machine_key(json::text_at(job, "Machine"));
  const std::string job_key(json::text_at(job, "Uuid"));
  const auto stored = draft.get("machines", machine_key);
  json::document machine;
  if (!stored || json::parse(*stored, machine))
    throw api_error({"jobs",
                     job_key,
                     "ValidationError",
                     {job_key + ": Machine " + machine_key + " does not exist"},
                     422});
  const auto busy = api_error(
      {"", "", "Conflict", {"Machine " + machine_key + " already has running or created job"}, 409});
  const std::string previous(json::text_at(machine, "CurrentJob"));
  json::document last;
  if (const auto text = draft.get("jobs", previous); text && !json::parse(*text, last)) {
    if (is_busy(json::text_at(last, "State")))
      throw busy;
    json::set_member(job, "Previous", json::make_text(previous, memory), memory);
    json::set_member(last, "Current", json::value(false), last.GetAllocator());
    draft.put("jobs", previous, json::compact(last));
  }
  if (!json::flag_at(machine, "Runnable"))
    throw api_error({"", "", "Conflict", {"Machine " + machine_key + " is not runnable"}, 409});
  json::set_member(job, "Current", json::value(true), memory);
  json::set_member(machine, "CurrentJob", json::make_text(job_key, machine.GetAllocator()),
                   machine.GetAllocator());
  draft.put("machines", machine_key, json::compact(machine));
}

void add_job_routes(router& routes) {
  add(routes, http_method::get, "jobs/{key}/log");
  add(routes, http_method::put, "jobs/{key}/log");
  add(routes, http_method::get, "jobs/{key}/actions");
}

} // namespace holdfast::api
