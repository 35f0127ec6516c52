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

awaitable<net::http_response> get_active(request_context&, system_services& with) {
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

awaitable<net::http_response> get_introduction(request_context&, system_services& with) {
  co_return json_response(introduction_json(with.node.facts(), *with.node.ha_state()));
}

/// STA-07, STA-08, B-04. With one member there is nobody to be caught up, however long one waits.
awaitable<net::http_response> post_fail_over_safe(request_context& ctx, system_services&) {
  using namespace std::chrono_literals;
  if (const auto wait = ctx.head().query_value("waitFor"); wait && !wait->empty()) {
    const auto span = parse_span(*wait, 1s);
    if (!span || *span < 50ms || *span > 5s)
      throw api_error({"system",
                       "consensus",
                       ctx.head().method_name,
                       {"waitFor must be between 50ms and 5s, not " + std::string(*wait)},
                       406});
  }
  co_return json_response("false");
}

awaitable<net::http_response> delete_node(request_context& ctx, system_services& with) {
  const std::string id(ctx.param("id"));
  const auto& own = *with.node.ha_state();
  if (id != own.consensus_id && (own.consensus_addr.empty() || id != own.consensus_addr))
    throw api_error({"system",
                     id,
                     ctx.head().method_name,
                     {"No such member; system/consensus/peers lists them by ConsensusID"},
                     404});
  throw api_error({"system",
                   id,
                   ctx.head().method_name,
                   {"This is the active node and cannot be removed; fail over to another member first"},
                   409});
  co_return net::http_response{};
}

awaitable<net::http_response> refuse_enroll(request_context& ctx, system_services&) {
  throw api_error({"system",
                   "enroll",
                   ctx.head().method_name,
                   {"This version runs a single node and cannot be enrolled"},
                   501});
  co_return net::http_response{};
}

awaitable<net::http_response> refuse_switch(request_context& ctx, system_services& with) {
  const bool consensus = with.node.ha_state()->consensus_enabled;
  throw api_error({"system",
                   std::string(ctx.path.substr(ctx.path.rfind('/') + 1)),
                   ctx.head().method_name,
                   {consensus ? "Roles are moved by consensus on this node, not by hand"
                              : "Synchronous replication is not set up on this node"},
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
  add(http_method::get, "system/consensus/active", access::user, get_active);
  add(http_method::get, "system/consensus/peers", access::user, get_peers);
  add(http_method::get, "system/consensus/state", access::user, get_state);
  add(http_method::get, "system/consensus/fullstate", access::user, get_fullstate);
  add(http_method::post, "system/consensus/failOverSafe", access::user, post_fail_over_safe);
  add(http_method::get, "system/consensus/introduction", access::superuser, get_introduction);
  add(http_method::post, "system/consensus/enroll", access::superuser, refuse_enroll);
  add(http_method::del, "system/consensus/node/{id}", access::superuser, delete_node);
  add(http_method::post, "system/active", access::claim, refuse_switch, "active");
  add(http_method::post, "system/passive", access::claim, refuse_switch, "passive");
}

} // namespace holdfast::api
