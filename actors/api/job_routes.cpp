#include "actors/api/job_routes.hpp"

#include "actors/api/job_actions.hpp"
#include "actors/api/job_log.hpp"
#include "actors/api/job_rules.hpp"
#include "actors/api/router.hpp"
#include "actors/api/write_flow.hpp"

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

/// Refuses a job that the asker may not see or touch.
void check_job(const request_context& ctx, const msg::object_view& view, std::string_view action,
               const std::string& key) {
  require_job(view, key);
  if (ctx.who && ctx.who->hidden("jobs", key))
    throw api_error({"", "", "ValidationError", {"Job " + key + " does not exist"}, 422});
  ctx.require("jobs", action, key);
}

awaitable<http_response> get_log(request_context& ctx) {
  const std::string key(ctx.param("key"));
  const auto view = co_await ctx.view();
  check_job(ctx, *view, "get", key);
  auto answer = json_response(job_log_text(*view, key));
  answer.content_type = "application/octet-stream"; // the client streams it; the bytes need not be text
  co_return answer;
}

awaitable<http_response> put_log(request_context& ctx) {
  const std::string key(ctx.param("key"));
  const auto& head = ctx.head();
  {
    const auto view = co_await ctx.view(msg::consistency::local);
    check_job(ctx, *view, "log", key);
  }
  const auto bytes = co_await ctx.body(most_appended);
  const log_writer by{ctx.shared->instance, ctx.shared->now()};
  planner plan = [&](const msg::view_ptr& view) {
    return plan_log_append(view, key, head.method_name, bytes, by);
  };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

awaitable<http_response> get_actions(request_context& ctx) {
  const std::string key(ctx.param("key"));
  const auto view = co_await ctx.view();
  check_job(ctx, *view, "get", key);
  const auto os = ctx.head().query_value("os").value_or("");
  co_return json_response(job_actions_json(*view, key, os));
}

awaitable<http_response> purge(request_context& ctx) {
  const auto may_delete = [&ctx](std::string_view key) {
    return ctx.may("jobs", "delete", key) && !ctx.who->hidden("jobs", key);
  };
  planner plan = [&](const msg::view_ptr& view) {
    return plan_job_purge(view, ctx.shared->now(), may_delete);
  };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

} // namespace

void add_job_routes(router& routes) {
  routes.add(http_method::get, "jobs/{key}/log", get_log);
  routes.add(http_method::put, "jobs/{key}/log", put_log);
  routes.add(http_method::get, "jobs/{key}/actions", get_actions);
  routes.add(http_method::del, "jobs", purge);
}

} // namespace holdfast::api
