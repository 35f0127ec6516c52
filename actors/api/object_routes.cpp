#include "actors/api/object_routes.hpp"

#include "actors/api/etag.hpp"
#include "actors/api/long_poll.hpp"
#include "actors/api/name_rules.hpp"
#include "actors/api/object_list.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/write_flow.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

constexpr std::size_t objects_a_step = 256;

list_query decode_query(const request_context& ctx, const prefix_desc& desc, const msg::object_view& view) {
  auto decoded = parse_list_query(desc, ctx.head().query, ctx.head().method_name,
                                  [&](std::string_view name) { return view.get("params", name) != nullptr; });
  if (auto* refused = std::get_if<error_body>(&decoded))
    throw api_error(std::move(*refused));
  return std::get<list_query>(std::move(decoded));
}

std::function<bool(std::string_view)> visibility(const request_context& ctx, const prefix_desc& desc) {
  if (ctx.who && ctx.who->superuser())
    return {};
  return [who = ctx.who, prefix = desc.name](std::string_view key) {
    return who && who->may(prefix, "list", key) && !who->hidden(prefix, key);
  };
}

awaitable<http_response> list_objects(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const auto view = co_await ctx.view();
  const bool head = ctx.head().method == http_method::head;
  list_maker maker(view, desc, decode_query(ctx, desc, *view), visibility(ctx, desc), head);
  // Timers of the cluster share this loop: a long list gives way every few milliseconds.
  while (!maker.step(objects_a_step))
    co_await boost::asio::post(ctx.exchange->executor(), boost::asio::use_awaitable);
  auto list = maker.take();
  auto answer = json_response(std::move(list.body));
  answer.headers.emplace_back("X-DRP-LIST-COUNT", std::to_string(list.returned));
  answer.headers.emplace_back("X-DRP-LIST-FILTER-COUNT", std::to_string(list.matched));
  answer.headers.emplace_back("X-DRP-LIST-TOTAL-COUNT", std::to_string(list.total));
  co_return answer;
}

awaitable<http_response> get_object(request_context& ctx) {
  const auto& desc = prefix_of(ctx);
  const std::string asked(ctx.param("key"));
  const auto key = stored_key(desc, asked);
  ctx.require(desc.name, "get", key);
  const auto state = co_await await_change(ctx, desc, asked);
  if (!state.object || (ctx.who && ctx.who->hidden(desc.name, state.key)))
    throw api_error(not_found(ctx.head().method_name, desc.name, key));
  const auto etag = etag_of(state.object->rev);
  http_response answer;
  if (state.unchanged) {
    answer = empty_response(304);
  } else {
    list_query query;
    if (!ctx.head().query.empty())
      query = decode_query(ctx, desc, *state.view);
    answer = json_response(query.reshapes() ? present_object(desc, query, state.object->json)
                                            : state.object->json);
  }
  answer.headers.emplace_back("ETag", etag);
  co_return answer;
}

using plan_function = write_plan (*)(const msg::view_ptr&, const write_request&);

awaitable<http_response> change_object(request_context& ctx, plan_function plan, bool with_body) {
  const auto& desc = prefix_of(ctx);
  std::string body;
  if (with_body)
    body = co_await ctx.json_body();
  const auto request = write_request_of(ctx, desc, std::string(ctx.param("key")), std::move(body));
  planner attempt = [&request, plan](const msg::view_ptr& view) { return plan(view, request); };
  auto answer = co_await run_write(ctx, std::move(attempt));
  co_return answer;
}

awaitable<http_response> create_object(request_context& ctx) {
  return change_object(ctx, plan_create, true);
}
awaitable<http_response> replace_object(request_context& ctx) {
  return change_object(ctx, plan_replace, true);
}
awaitable<http_response> patch_object(request_context& ctx) {
  return change_object(ctx, plan_patch, true);
}
awaitable<http_response> delete_object(request_context& ctx) {
  return change_object(ctx, plan_delete, false);
}

awaitable<http_response> list_prefixes(request_context&) {
  std::string body = "[";
  for (const auto name : listed_prefixes())
    body += (body.size() == 1 ? "" : ",") + json::quoted(name);
  co_return json_response(body + "]");
}

std::string index_text(const index_desc& index) {
  const auto flag = [](bool b) { return b ? "true" : "false"; };
  return "{\"Type\":" + json::quoted(index.type) + ",\"Unique\":" + flag(index.unique) +
         ",\"Unordered\":" + flag(index.unordered) + ",\"Regex\":" + flag(index.regex) + "}";
}

std::string indexes_text(const prefix_desc& desc) {
  std::string body = "{";
  for (const auto& index : desc.indexes)
    body += (body.size() == 1 ? "" : ",") + json::quoted(index.name) + ":" + index_text(index);
  return body + "}";
}

awaitable<http_response> all_indexes(request_context&) {
  std::string body = "{";
  for (const auto& desc : all_prefixes())
    body += (body.size() == 1 ? "" : ",") + json::quoted(desc.name) + ":" + indexes_text(desc);
  co_return json_response(body + "}");
}

awaitable<http_response> prefix_indexes(request_context& ctx) {
  const auto* desc = find_prefix(ctx.param("prefix"));
  if (!desc)
    throw api_error(not_found(ctx.head().method_name, "indexes", ctx.param("prefix")));
  co_return json_response(indexes_text(*desc));
}

awaitable<http_response> one_index(request_context& ctx) {
  const auto* desc = find_prefix(ctx.param("prefix"));
  if (!desc)
    throw api_error(not_found(ctx.head().method_name, "indexes", ctx.param("prefix")));
  const auto* index = desc->index(ctx.param("index"));
  co_return json_response(index_text(index ? *index : index_desc{}));
}

} // namespace

const prefix_desc& prefix_of(const request_context& ctx) {
  const auto named = ctx.param("prefix");
  const auto* desc = find_prefix(named.empty() ? ctx.path.substr(0, ctx.path.find('/')) : named);
  if (!desc || !desc->generic)
    throw api_error(no_route(ctx.head().method_name, ctx.head().path));
  return *desc;
}

write_request write_request_of(request_context& ctx, const prefix_desc& desc, std::string key,
                               std::string body) {
  write_request request;
  request.desc = &desc;
  request.key = std::move(key);
  request.method = ctx.head().method_name;
  request.body = std::move(body);
  request.force = ctx.force();
  request.now = ctx.shared->now();
  if (request.key.empty()) // only a creation needs them
    request.fresh = draw_fresh_values();
  request.check = [&ctx, &desc](std::string_view action, std::string_view object) {
    if (ctx.who && ctx.who->superuser())
      return;
    if (action != "create" && ctx.who && ctx.who->hidden(desc.name, object))
      throw api_error(not_found(ctx.head().method_name, desc.name, object));
    ctx.require(desc.name, action, object);
  };
  return request;
}

void add_object_routes(router& routes) {
  routes.add(http_method::get, "objects", list_prefixes);
  routes.add(http_method::get, "indexes", all_indexes);
  routes.add(http_method::get, "indexes/{prefix}", prefix_indexes);
  routes.add(http_method::get, "indexes/{prefix}/{index}", one_index);
  for (const auto& desc : all_prefixes()) {
    if (!desc.generic)
      continue;
    const std::string all(desc.name);
    const std::string one = all + "/{key*}";
    routes.add(http_method::get, all, list_objects);
    routes.add(http_method::post, all, create_object);
    routes.add(http_method::get, one, get_object);
    routes.add(http_method::put, one, replace_object);
    routes.add(http_method::patch, one, patch_object);
    routes.add(http_method::del, one, delete_object);
  }
}

} // namespace holdfast::api
