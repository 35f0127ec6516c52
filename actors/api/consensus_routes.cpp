#include "actors/api/json_value.hpp"
#include "actors/api/system_json.hpp"
#include "actors/api/system_services.hpp"
#include "actors/api/time_span.hpp"

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

awaitable<msg::consensus_status> status_of(system_services& with) {
  auto status = co_await with.node.status();
  if (!status) {
    // Also without consensus a node knows its own name (STA-10).
    msg::consensus_status bare;
    bare.node_id = with.node.ha_state()->consensus_id;
    co_return bare;
  }
  co_return std::move(*status);
}

awaitable<net::http_response> get_id(request_context&, system_services& with) {
  co_return json_response(json::quoted(with.node.ha_state()->consensus_id));
}

awaitable<net::http_response> get_leader(request_context&, system_services& with) {
  const auto status = co_await status_of(with);
  co_return json_response(json::quoted(status.leader_id));
}

awaitable<net::http_response> get_consensus_active(request_context&, system_services& with) {
  const auto status = co_await status_of(with);
  co_return json_response(json::quoted(status.active_id));
}

awaitable<net::http_response> get_peers(request_context&, system_services& with) {
  const auto status = co_await status_of(with);
  co_return json_response(peers_json(*with.node.ha_state(), status));
}

awaitable<net::http_response> get_state(request_context&, system_services& with) {
  co_return json_response(msg::to_json(*with.node.ha_state(), msg::secrets::blank));
}

awaitable<net::http_response> get_fullstate(request_context&, system_services& with) {
  const auto status = co_await status_of(with);
  co_return json_response(fullstate_json(with.node.facts(), *with.node.ha_state(), status));
}

/// Passes a call on to the node's cluster desk and its answer back.
awaitable<net::http_response> ask_desk(request_context& ctx, system_services& with, const char* verb,
                                       std::string argument = {}) {
  constexpr std::size_t body_limit = std::size_t{1} << 20;
  msg::cluster_call call;
  call.verb = verb;
  call.argument = std::move(argument);
  if (ctx.head().method == net::http_method::post)
    call.body = co_await ctx.json_body(body_limit);
  const std::string_view authorization = ctx.head().header("authorization");
  if (constexpr std::string_view scheme = "Bearer "; authorization.starts_with(scheme))
    call.bearer = authorization.substr(scheme.size());
  call.peer_node = ctx.head().peer_node;
  if (ctx.who)
    call.principal = ctx.who->name();
  auto answer = co_await with.node.cluster(std::move(call));
  if (answer.status >= 400)
    throw api_error({"system", verb, ctx.head().method_name, std::move(answer.messages), answer.status});
  co_return json_response(std::move(answer.json), answer.status);
}

awaitable<net::http_response> get_introduction(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "introduction");
}
awaitable<net::http_response> get_vip(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "vip");
}
awaitable<net::http_response> post_enroll(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "enroll");
}
awaitable<net::http_response> get_health(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "health");
}
awaitable<net::http_response> post_prove(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "prove");
}
awaitable<net::http_response> post_members(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "members");
}
awaitable<net::http_response> post_member(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "member");
}
awaitable<net::http_response> post_ticket(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "ticket");
}
awaitable<net::http_response> post_redeem(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "redeem");
}
awaitable<net::http_response> post_transfer(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "transfer", std::string(ctx.param("id")));
}

/// STA-07, STA-08, B-04. With one member there is nobody to be caught up, however long one waits.
awaitable<net::http_response> post_fail_over_safe(request_context& ctx, system_services& with) {
  using namespace std::chrono_literals;
  std::chrono::milliseconds limit{0};
  if (const auto wait = ctx.head().query_value("waitFor"); wait && !wait->empty()) {
    const auto span = parse_span(*wait, 1s);
    if (!span || *span < 50ms || *span > 5s)
      throw api_error({"system",
                       "consensus",
                       ctx.head().method_name,
                       {"waitFor must be between 50ms and 5s, not " + std::string(*wait)},
                       406});
    limit = std::chrono::duration_cast<std::chrono::milliseconds>(*span);
  }
  if (!with.node.ha_state()->consensus_enabled)
    co_return json_response("false");
  co_return co_await ask_desk(ctx, with, "safe", std::to_string(limit.count()));
}

awaitable<net::http_response> delete_node(request_context& ctx, system_services& with) {
  return ask_desk(ctx, with, "remove", std::string(ctx.param("id")) + (ctx.force() ? "!" : ""));
}

awaitable<net::http_response> switch_role(request_context& ctx, system_services& with) {
  const bool consensus = with.node.ha_state()->consensus_enabled;
  const bool to_passive = ctx.path.ends_with("passive");
  if (consensus) {
    const auto status = co_await status_of(with);
    const bool active = !status.active_id.empty() && status.active_id == status.node_id;
    if (to_passive && active)
      co_return co_await ask_desk(ctx, with, "transfer");
    if (!to_passive)
      co_return co_await ask_desk(ctx, with, "take");
    throw api_error({"system",
                     "passive",
                     ctx.head().method_name,
                     {"This node is passive already; the active one is " +
                      (status.active_id.empty() ? std::string("none now") : status.active_id)},
                     409});
  }
  throw api_error({"system",
                   std::string(ctx.path.substr(ctx.path.rfind('/') + 1)),
                   ctx.head().method_name,
                   {"Synchronous replication is not set up on this node"},
                   409});
  co_return net::http_response{};
}

} // namespace

void add_consensus_routes(router& into, system_services& with) {
  const auto add = [&](net::http_method method, const char* path, access need, system_handler run,
                       const char* action = "") {
    const bool claim = need == access::claim;
    into.add({method, path, need, claim ? "system" : "", action, "", bind_handler(run, with)});
  };
  using net::http_method;
  add(http_method::get, "system/consensus/id", access::user, get_id);
  add(http_method::get, "system/consensus/leader", access::user, get_leader);
  add(http_method::get, "system/consensus/active", access::user, get_consensus_active);
  add(http_method::get, "system/consensus/peers", access::user, get_peers);
  add(http_method::get, "system/consensus/state", access::user, get_state);
  add(http_method::get, "system/consensus/fullstate", access::user, get_fullstate);
  add(http_method::get, "system/consensus/health", access::user, get_health);
  add(http_method::post, "system/consensus/failOverSafe", access::user, post_fail_over_safe);
  add(http_method::get, "system/vip", access::user, get_vip);
  add(http_method::get, "system/consensus/introduction", access::superuser, get_introduction);
  add(http_method::post, "system/consensus/enroll", access::superuser, post_enroll);
  add(http_method::post, "system/consensus/prove", access::open, post_prove);
  add(http_method::post, "system/consensus/members", access::open, post_members);
  add(http_method::post, "system/consensus/member", access::open, post_member);
  add(http_method::post, "system/consensus/redeem", access::open, post_redeem);
  add(http_method::post, "system/consensus/ticket", access::superuser, post_ticket);
  add(http_method::post, "system/consensus/transfer", access::superuser, post_transfer);
  add(http_method::post, "system/consensus/transfer/{id}", access::superuser, post_transfer);
  add(http_method::del, "system/consensus/node/{id}", access::superuser, delete_node);
  add(http_method::post, "system/active", access::claim, switch_role, "active");
  add(http_method::post, "system/passive", access::claim, switch_role, "passive");
}

} // namespace holdfast::api
