// Websockets by way of another member: two sockets, and what one says the other is told, in both directions.
#include "actors/api/request_forwarder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace holdfast::api {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto open_time = 3s;
constexpr std::uint16_t restarting = 1012; ///< connect again (IANA registry of close codes)
constexpr std::uint16_t too_slow = 1013;   ///< try again later
constexpr std::uint16_t went_away = 1001;

using socket_ptr = std::shared_ptr<net::websocket>;

/// Until one side ends; then the other hears why. Queues are the sockets' own and bounded: who does not keep
/// up is cut off.
awaitable<void> pump(socket_ptr from, socket_ptr to, std::uint16_t when_lost, std::string why_lost) {
  for (;;) {
    auto message = co_await from->receive();
    if (!message)
      break;
    if (!to->send(std::move(*message))) {
      to->close_with(too_slow, "too slow");
      from->close_with(too_slow, "the other side does not keep up");
      co_return;
    }
  }
  const auto heard = from->goodbye();
  to->close_with(close_code_to_send(heard.code, when_lost), heard.code == 0 ? why_lost : heard.reason);
}

} // namespace

awaitable<request_forwarder::attempt> request_forwarder::join_sockets(kept_ptr exchange,
                                                                      msg::standing_ptr standing) {
  const auto where = prepare(*standing, exchange->head().target);
  if (!where)
    co_return attempt{attempt::outcome::retry, why_no_active(*standing), false};
  const auto headers = forwarded_request_headers(exchange->head());
  const auto url = *where;
  const auto opened = co_await client_->connect_websocket(url, headers, open_time);
  constexpr unsigned unavailable_status = 503;
  if (!opened.socket && (opened.status == 0 || opened.status == unavailable_status))
    co_return attempt{attempt::outcome::retry,
                      "member " + standing->active_id + ": " + opened.failure.message, false};
  if (!opened.socket) {
    net::http_response declined;
    declined.status = opened.status;
    declined.body = opened.body;
    co_await exchange->behind().respond(std::move(declined));
    co_return attempt{};
  }
  const auto upstream = opened.socket;
  const auto client = co_await exchange->upgrade();
  if (!client) {
    upstream->close_with(went_away, "the client is gone");
    co_return attempt{};
  }
  // Whoever is active next has other events to tell: the client is to ask it.
  const auto cancel = std::make_shared<net::client_cancel>();
  cancel->arm([upstream, client] {
    client->close_with(restarting, "the active node changed: connect again");
    upstream->close_with(went_away, "another member is active");
  });
  const auto flying = take_off(standing->active_id, cancel);
  boost::asio::co_spawn(exchange->executor(), pump(client, upstream, went_away, "the client is gone"),
                        boost::asio::detached);
  co_await pump(upstream, client, restarting, "the active node is gone: connect again");
  co_return attempt{};
}

} // namespace holdfast::api
