#include "actors/api/content_routes.hpp"

#include "actors/api/backing_store.hpp"
#include "actors/api/content_layers.hpp"
#include "actors/api/features.hpp"
#include "actors/api/write_flow.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

constexpr std::size_t pack_objects_a_step = 512;

awaitable<http_response> list_contents(request_context& ctx) {
  if (!ctx.may("contents", "list", ""))
    co_return json_response("[]");
  const auto view = co_await ctx.view();
  backing_counts writable(view);
  while (!writable.step(pack_objects_a_step))
    co_await boost::asio::post(ctx.exchange->executor(), boost::asio::use_awaitable);
  co_return json_response(content_summaries(*view, writable.summary()));
}

awaitable<http_response> get_content(request_context& ctx) {
  const auto name = ctx.param("name");
  ctx.require("contents", "get", name);
  const auto view = co_await ctx.view();
  if (name == backing_store) {
    // The whole store: the cluster's timers share this loop, so it is written in steps.
    backing_text writable(view);
    while (!writable.step(pack_objects_a_step))
      co_await boost::asio::post(ctx.exchange->executor(), boost::asio::use_awaitable);
    co_return json_response(writable.take());
  }
  auto text = content_text(*view, name);
  if (!text)
    throw api_error({"contents", std::string(name), ctx.head().method_name, {"No such content store"}, 404});
  co_return json_response(std::move(*text));
}

awaitable<http_response> put_content(request_context& ctx) {
  content_request request;
  request.name = ctx.param("name");
  request.method = ctx.head().method_name;
  ctx.require("contents", request.name.empty() ? "create" : "update", request.name);
  const auto replace = ctx.head().query_value("replaceWritable");
  request.replace_writable = replace && *replace == "true";
  request.features = claimed_features();
  request.body = co_await ctx.json_body();
  planner plan = [&request](const msg::view_ptr& view) { return plan_content_put(view, request); };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

awaitable<http_response> delete_content(request_context& ctx) {
  const std::string name(ctx.param("name"));
  const std::string method = ctx.head().method_name;
  ctx.require("contents", "delete", name);
  planner plan = [&](const msg::view_ptr& view) { return plan_content_delete(view, name, method); };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

} // namespace

void add_content_routes(router& routes) {
  routes.add(http_method::get, "contents", list_contents);
  routes.add(http_method::post, "contents", put_content);
  routes.add(http_method::get, "contents/{name}", get_content);
  routes.add(http_method::put, "contents/{name}", put_content);
  routes.add(http_method::del, "contents/{name}", delete_content);
}

} // namespace holdfast::api
