#include "actors/api/param_routes.hpp"

#include "actors/api/object_routes.hpp"
#include "actors/api/param_values.hpp"
#include "actors/api/write_flow.hpp"

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

/// The object of a sub-resource, readable by the asker; throws 404 and AUTH errors.
json::document load_object(const request_context& ctx, const prefix_desc& desc,
                           const msg::object_view& view) {
  const auto asked = ctx.param("key");
  const auto key = locate(desc, asked, view);
  ctx.require(desc.name, "get", key ? std::string_view(*key) : asked);
  json::document doc;
  if (!key || (ctx.who && ctx.who->hidden(desc.name, *key)) ||
      json::parse(view.get(desc.name, *key)->json, doc))
    throw api_error(not_found(ctx.head().method_name, desc.name, asked));
  return doc;
}

bool is_true(const request_context& ctx, std::string_view name) {
  const auto found = ctx.head().query_value(name);
  return found && *found == "true";
}

param_query query_of(const request_context& ctx) {
  param_query out;
  out.aggregate = is_true(ctx, "aggregate");
  out.compose = is_true(ctx, "compose");
  if (const auto names = ctx.head().query_value("params")) {
    out.only = true;
    std::string_view rest = *names;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      out.names.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

awaitable<http_response> get_params(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  const auto object = load_object(ctx, desc, *view);
  co_return json_response(json::compact(params_of(*view, desc, object, query_of(ctx))));
}

awaitable<http_response> get_param(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  const auto object = load_object(ctx, desc, *view);
  auto query = query_of(ctx);
  query.aggregate = query.aggregate || query.compose;
  const auto params = params_of(*view, desc, object, query);
  const auto* found = json::member(params, ctx.param("param"));
  co_return json_response(found ? json::compact(*found) : "null");
}

awaitable<http_response> change_params(request_context& ctx, param_change what) {
  const auto& desc = prefix_of(ctx);
  std::string body;
  if (what != param_change::remove_one)
    body = co_await ctx.json_body();
  const auto request = write_request_of(ctx, desc, std::string(ctx.param("key")), std::move(body));
  const std::string param(ctx.param("param"));
  planner plan = [&](const msg::view_ptr& view) { return plan_params(view, request, what, param); };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

awaitable<http_response> get_meta(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  const auto object = load_object(ctx, desc, *view);
  const auto* meta = json::member(object, "Meta");
  co_return json_response(meta ? json::compact(*meta) : "{}");
}

awaitable<http_response> patch_meta(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  std::string body = co_await ctx.json_body();
  const auto request = write_request_of(ctx, desc, std::string(ctx.param("key")), std::move(body));
  planner plan = [&](const msg::view_ptr& view) { return plan_meta(view, request); };
  auto answer = co_await run_write(ctx, std::move(plan));
  co_return answer;
}

/// Without plugins no object has actions.
awaitable<http_response> list_actions(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  load_object(ctx, desc, *view);
  co_return json_response("[]");
}

awaitable<http_response> get_action(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  load_object(ctx, desc, *view);
  throw api_error({std::string(desc.name),
                   std::string(ctx.param("key")),
                   "GET",
                   {std::string(ctx.param("command")) + ": Not Found"},
                   404});
}

awaitable<http_response> run_action(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const std::string command(ctx.param("command"));
  ctx.require(desc.name, "action:" + command, ctx.param("key"));
  const auto view = co_await ctx.view();
  load_object(ctx, desc, *view);
  throw api_error({std::string(desc.name),
                   std::string(ctx.param("key")),
                   "INVOKE",
                   {"Action " + command + " on " + std::string(desc.name) + ": Not Found"},
                   404});
}

void add_actions(router& routes, const std::string& head) {
  routes.add(http_method::get, head, list_actions);
  routes.add(http_method::get, head + "/{command}", get_action);
  routes.add(http_method::post, head + "/{command}", run_action);
}

} // namespace

void add_param_routes(router& routes) {
  routes.add(http_method::get, "meta/{prefix}/{key*}", get_meta);
  routes.add(http_method::patch, "meta/{prefix}/{key*}", patch_meta);
  for (const auto& desc : all_prefixes()) {
    if (!desc.generic)
      continue;
    const std::string one = std::string(desc.name) + "/{key*}";
    // A job's `actions` are its task list; its plugin actions have a name of their own.
    add_actions(routes, one + (desc.name == "jobs" ? "/plugin_actions" : "/actions"));
    if (!desc.has_params)
      continue;
    routes.add(http_method::get, one + "/params", get_params);
    routes.add(http_method::post, one + "/params",
               [](request_context& ctx) { return change_params(ctx, param_change::replace_all); });
    routes.add(http_method::patch, one + "/params",
               [](request_context& ctx) { return change_params(ctx, param_change::patch_all); });
    routes.add(http_method::get, one + "/params/{param*}", get_param);
    routes.add(http_method::post, one + "/params/{param*}",
               [](request_context& ctx) { return change_params(ctx, param_change::set_one); });
    routes.add(http_method::del, one + "/params/{param*}",
               [](request_context& ctx) { return change_params(ctx, param_change::remove_one); });
  }
}

} // namespace holdfast::api
