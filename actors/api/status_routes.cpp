#include "actors/api/builtin_objects.hpp"
#include "actors/api/metrics.hpp"
#include "actors/api/system_json.hpp"
#include "actors/api/system_services.hpp"

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

/// A view of what this node has applied, or null: status calls answer either way.
awaitable<msg::view_ptr> local_view(system_services& with) {
  auto result = co_await with.shared.store.read(msg::consistency::local);
  co_return std::move(result.view);
}

awaitable<net::http_response> get_info(request_context&, system_services& with) {
  const auto view = co_await local_view(with);
  const auto status = co_await with.node.status();
  const auto vip = co_await with.node.vip();
  const auto license = view ? with.node.license(*view) : std::nullopt;
  co_return json_response(info_json(with.node.facts(), *with.node.ha_state(),
                                    status.value_or(msg::consensus_status{}), vip, view.get(), license));
}

/// 200 while this node serves reads of its own; load balancers and scripts ask this.
awaitable<net::http_response> get_ready(request_context&, system_services& with) {
  const auto view = co_await local_view(with);
  const auto status = co_await with.node.status();
  // A fresh node is not ready before there is a user who could log in, and what every endpoint starts with.
  const bool filled = view != nullptr && view->count("users") > 0 && has_builtins(*view);
  // A leader becomes active a moment after it was elected, and takes no writes before.
  const bool led = status.has_value() && !status->leader_id.empty();
  const bool ready = filled && led && (status->leader_id != status->node_id || !status->active_id.empty());
  co_return json_response(ready ? R"({"ready":true})" : R"({"ready":false})", ready ? 200 : 503);
}

/// 200 on the active node alone (architecture §7, LoadBalanced).
awaitable<net::http_response> get_active(request_context&, system_services& with) {
  const auto status = co_await with.node.status();
  const bool active =
      status.has_value() && !status->active_id.empty() && status->active_id == status->node_id;
  co_return json_response(active ? R"({"active":true})" : R"({"active":false})", active ? 200 : 503);
}

awaitable<net::http_response> get_metrics(request_context&, system_services& with) {
  metrics_input input;
  const auto view = co_await local_view(with);
  input.view = view.get();
  input.status = co_await with.node.status();
  input.actors = co_await with.node.actors();
  input.vip = co_await with.node.vip();
  input.http = with.node.http();
  input.auth = with.auth.stats();
  input.resident_bytes = resident_bytes();
  auto answer = json_response(metrics_text(input));
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  co_return answer;
}

} // namespace

void add_status_routes(router& into, system_services& with) {
  // Every user may ask: it is how a client finds out whether its token is good.
  into.add({net::http_method::get, "info", access::user, "", "", "", bind_handler(get_info, with)});
  into.add({net::http_method::get, "/metrics", access::user, "", "", "", bind_handler(get_metrics, with)});
  into.add({net::http_method::get, "/health/ready", access::open, "", "", "", bind_handler(get_ready, with)});
  into.add(
      {net::http_method::get, "/health/active", access::open, "", "", "", bind_handler(get_active, with)});
}

} // namespace holdfast::api
