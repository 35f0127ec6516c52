#include "actors/api/crypto.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/system_json.hpp"
#include "actors/api/system_services.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

awaitable<net::http_response> get_actors(request_context&, system_services& with) {
  const auto rows = co_await with.node.actors();
  co_return json_response(actors_json(rows, with.rates.per_second(rows, with.shared.now().ms)));
}

awaitable<net::http_response> get_actor(request_context& ctx, system_services& with) {
  const auto rows = co_await with.node.actors();
  const auto rates = with.rates.per_second(rows, with.shared.now().ms);
  for (std::size_t at = 0; at < rows.size(); ++at) {
    if (rows[at].name != ctx.param("name"))
      continue;
    const auto list = actors_json({rows[at]}, {rates[at]});
    co_return json_response(list.substr(1, list.size() - 2));
  }
  throw api_error(not_found(ctx.head().method_name, "actors", ctx.param("name")));
}

awaitable<net::http_response> control_actor(request_context& ctx, system_services& with) {
  const std::string name(ctx.param("name"));
  const std::string verb(ctx.param("verb"));
  const auto& method = ctx.head().method_name;
  if (verb != "kill" && verb != "suspend" && verb != "resume")
    throw api_error({"actors", name, method, {"No such action " + verb + ": kill, suspend or resume"}, 404});
  spdlog::warn("{}", msg::log_line("actor_control")
                         .with("verb", verb)
                         .with("actor", name)
                         .with("principal", ctx.who->name())
                         .with("peer", ctx.head().peer)
                         .str());
  const auto reason = co_await with.node.control(verb, name);
  if (!reason.empty())
    throw api_error({"actors", name, method, {reason}, 409});
  co_return empty_response();
}

std::string cert_json(const net::pem_pair& pem) {
  return R"({"Cert":")" + to_base64(pem.cert) + R"(","Key":")" + to_base64(pem.key) + "\"}";
}

awaitable<net::http_response> get_cert(request_context&, system_services& with) {
  co_return json_response(cert_json(with.node.certificate()));
}

net::pem_pair decode_cert(const request_context& ctx, std::string_view body) {
  const auto& method = ctx.head().method_name;
  json::document doc;
  if (const auto why = json::parse(body, doc))
    throw api_error(undecodable(method, *why));
  const auto cert = from_base64(json::text_at(doc, "Cert"));
  const auto key = from_base64(json::text_at(doc, "Key"));
  if (!cert || !key || cert->empty() || key->empty())
    throw api_error({"system", "cert", method, {"Cert and Key must be base64 of PEM text"}, 422});
  return {*cert, *key};
}

awaitable<net::http_response> post_cert(request_context& ctx, system_services& with) {
  constexpr std::size_t largest = std::size_t{1} << 20;
  const auto body = co_await ctx.json_body(largest);
  const auto pem = decode_cert(ctx, body);
  std::string refusal;
  net::tls_context_ptr context;
  try {
    context = with.node.check_certificate(pem);
  } catch (const net::tls_error& error) {
    refusal = error.what();
  }
  if (context) {
    // On disk first: what new connections are shown must survive a restart.
    auto store = [&with, pem]() -> std::string {
      try {
        with.node.store_certificate(pem);
        return {};
      } catch (const net::tls_error& error) {
        return error.what();
      }
    };
    refusal = co_await with.auth.run_blocking(std::move(store));
  }
  if (!refusal.empty())
    throw api_error({"system", "cert", ctx.head().method_name, {refusal}, 422});
  with.node.swap_certificate(pem, std::move(context));
  spdlog::info("{}", msg::log_line("api_certificate_changed").with("principal", ctx.who->name()).str());
  co_return json_response(cert_json(pem));
}

} // namespace

void add_system_routes(router& into, system_services& with) {
  using net::http_method;
  into.add({http_method::get, "system/actors", access::claim, "system", "list", "",
            bind_handler(get_actors, with)});
  into.add({http_method::get, "system/actors/{name}", access::claim, "system", "list", "",
            bind_handler(get_actor, with)});
  into.add({http_method::post, "system/actors/{name}/{verb}", access::superuser, "", "", "",
            bind_handler(control_actor, with)});
  into.add({http_method::get, "system/cert", access::superuser, "", "", "", bind_handler(get_cert, with)});
  into.add({http_method::post, "system/cert", access::superuser, "", "", "", bind_handler(post_cert, with)});
}

} // namespace holdfast::api
