#include "actors/api/event_routes.hpp"

#include <boost/asio/post.hpp>

#include <atomic>

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

constexpr int most_waiting_lines = 1000;

awaitable<void> serve_socket(request_context& ctx, event_hub& hub) {
  const auto socket = co_await ctx.exchange->upgrade();
  if (!socket)
    co_return;
  const auto session = hub.open(socket, ctx.who);
  for (;;) {
    const auto message = co_await socket->receive();
    if (!message)
      break;
    if (!session->handle(*message, ctx.shared->now())) {
      socket->close("expected register or deregister");
      break;
    }
  }
}

awaitable<http_response> post_event(request_context& ctx, event_hub& hub) {
  ctx.require("events", "post", "");
  const auto body = co_await ctx.json_body(std::size_t{1} << 20);
  std::string why;
  auto posted = parse_event(body, ctx.shared->now(), why);
  if (!posted)
    throw api_error(undecodable(ctx.head().method_name, why));
  if (posted->principal.empty() && ctx.who)
    posted->principal = ctx.who->name();
  hub.publish(*posted);
  co_return empty_response(204);
}

awaitable<http_response> get_logs(request_context& ctx, const log_ring* ring) {
  ctx.require("logs", "get", "");
  co_return json_response(ring ? ring->text() : "[]");
}

} // namespace

void add_event_routes(router& routes, event_hub& hub, std::shared_ptr<log_ring> ring) {
  route socket;
  socket.method = http_method::get;
  socket.pattern = "ws";
  socket.token_in_query = true;
  socket.run = raw_handler{[&hub](request_context& ctx) { return serve_socket(ctx, hub); }};
  routes.add(std::move(socket));
  routes.add(http_method::post, "events", [&hub](request_context& ctx) { return post_event(ctx, hub); });
  routes.add(http_method::get, "logs",
             [ring = std::move(ring)](request_context& ctx) { return get_logs(ctx, ring.get()); });
}

void publish_log_lines(log_ring& ring, event_hub& hub, boost::asio::any_io_executor loop) {
  auto waiting = std::make_shared<std::atomic<int>>(0);
  ring.notify([&hub, loop = std::move(loop), waiting](const log_entry& line) {
    if (waiting->fetch_add(1) >= most_waiting_lines) {
      waiting->fetch_sub(1);
      return;
    }
    boost::asio::post(loop, [&hub, waiting, line] {
      waiting->fetch_sub(1);
      if (hub.size() == 0)
        return;
      event e;
      e.time = line.time;
      e.type = "log";
      e.action = line.service.empty() ? "holdfast" : line.service;
      e.key = line.level;
      e.object = to_json(line);
      hub.publish(e);
    });
  });
}

} // namespace holdfast::api
