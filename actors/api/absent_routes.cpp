#include "actors/api/absent_routes.hpp"

#include "actors/api/router.hpp"

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_method;
using net::http_response;

std::string prefix_of_path(const request_context& ctx) {
  return std::string(ctx.path.substr(0, ctx.path.find('/')));
}

/// A blob's key begins with a slash in errors, whatever its prefix (contract §4).
std::string blob_key(const request_context& ctx) {
  return "/" + std::string(ctx.param("path"));
}

awaitable<http_response> list_nothing(request_context&) {
  co_return json_response("[]");
}

awaitable<http_response> get_blob(request_context& ctx) {
  const auto prefix = prefix_of_path(ctx);
  ctx.require(prefix, "get", blob_key(ctx));
  throw api_error({prefix, blob_key(ctx), ctx.head().method_name, {"Not a regular file"}, 404});
  co_return http_response{};
}

awaitable<http_response> post_blob(request_context& ctx) {
  const auto prefix = prefix_of_path(ctx);
  ctx.require(prefix, "post", blob_key(ctx));
  throw api_error({prefix,
                   blob_key(ctx),
                   ctx.head().method_name,
                   {"This server does not store " + prefix + " yet; nothing was kept"},
                   501});
  co_return http_response{};
}

awaitable<http_response> delete_blob(request_context& ctx) {
  const auto prefix = prefix_of_path(ctx);
  ctx.require(prefix, "delete", blob_key(ctx));
  throw api_error({prefix, blob_key(ctx), ctx.head().method_name, {"Unable to delete"}, 404});
  co_return http_response{};
}

awaitable<http_response> no_provider(request_context& ctx) {
  ctx.require("plugin_providers", ctx.head().method == http_method::del ? "delete" : "get",
              ctx.param("name"));
  throw api_error(not_found(ctx.head().method_name, "plugin_providers", ctx.param("name")));
  co_return http_response{};
}

awaitable<http_response> post_provider(request_context& ctx) {
  ctx.require("plugin_providers", "create", ctx.param("name"));
  throw api_error({"plugin_providers",
                   std::string(ctx.param("name")),
                   ctx.head().method_name,
                   {"This server runs no plugin providers; nothing was kept"},
                   501});
  co_return http_response{};
}

awaitable<http_response> no_system_action(request_context& ctx) {
  throw api_error({"profiles",
                   "global",
                   ctx.head().method_name,
                   {std::string(ctx.param("command")) + ": Not Found"},
                   404});
  co_return http_response{};
}

awaitable<http_response> run_system_action(request_context& ctx) {
  const std::string command(ctx.param("command"));
  ctx.require("system", "action:" + command, "");
  throw api_error({"system", "global", "INVOKE", {"Action " + command + " on system: Not Found"}, 404});
  co_return http_response{};
}

awaitable<http_response> no_upgrade(request_context& ctx) {
  ctx.require("system", "upgrade", "");
  throw api_error(
      {"system",
       "upgrade",
       ctx.head().method_name,
       {"This server is upgraded with its packages, one member after the other; nothing was kept"},
       501});
  co_return http_response{};
}

} // namespace

void add_absent_routes(router& routes) {
  for (const char* prefix : {"files", "isos"}) {
    const auto one = std::string(prefix) + "/{path*}";
    routes.add(http_method::get, prefix, list_nothing);
    routes.add(http_method::get, one, get_blob);
    routes.add(http_method::post, one, post_blob);
    routes.add(http_method::del, one, delete_blob);
  }
  routes.add(http_method::get, "plugin_providers", list_nothing);
  routes.add(http_method::get, "plugin_providers/{name}", no_provider);
  routes.add(http_method::get, "plugin_providers/{name}/binary", no_provider);
  routes.add(http_method::post, "plugin_providers/{name}", post_provider);
  routes.add(http_method::del, "plugin_providers/{name}", no_provider);
  routes.add(http_method::get, "system/actions", list_nothing);
  routes.add(http_method::get, "system/actions/{command}", no_system_action);
  routes.add(http_method::post, "system/actions/{command}", run_system_action);
  routes.add(http_method::post, "system/upgrade", no_upgrade);
}

} // namespace holdfast::api
