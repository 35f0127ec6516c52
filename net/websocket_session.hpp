// A websocket over our TLS stream, server or client side. Text frames, bounded queue, pings, idle timeout.
// Internal to the room; users see net::websocket.
#pragma once

#include "net/http_exchange.hpp"
#include "net/tls_context.hpp"
#include "net/tls_stream.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::net {

struct websocket_limits {
  std::size_t message = 64 * 1024;        ///< longest message received
  std::size_t queue = 4 * 1024 * 1024;    ///< bytes waiting to be sent
  std::chrono::milliseconds idle{90'000}; ///< without any frame; a ping goes out at half of it
  std::chrono::milliseconds close_time{2'000};
  std::chrono::milliseconds handshake_time{5'000};
};

class websocket_session final : public websocket, public std::enable_shared_from_this<websocket_session> {
public:
  websocket_session(tls_stream&& stream, tls_context_ptr context, const websocket_limits& limits);
  ~websocket_session() override;

  /// Server side: answers the upgrade request. False when the client is gone.
  asio::awaitable<bool> accept(const boost::beast::http::request<boost::beast::http::buffer_body>& request);

  struct handshake_result {
    bool done = false;
    unsigned status = 0; ///< when declined
    std::string body;    ///< when declined
    std::string why;     ///< when the connection failed
  };
  /// Client side: asks for the upgrade.
  asio::awaitable<handshake_result> ask(const std::string& host, const std::string& target,
                                        const std::vector<std::pair<std::string, std::string>>& headers);

  asio::awaitable<std::optional<std::string>> receive() override;
  bool send(std::string text) override;
  void close(std::string_view why) override;
  void close_with(std::uint16_t code, std::string_view why) override;
  [[nodiscard]] websocket_goodbye goodbye() const override;
  /// Cuts the connection.
  void abort();

private:
  struct impl;
  void pump();
  void say_goodbye();
  void hear_goodbye();
  void end_soon();
  std::unique_ptr<impl> impl_;
};

} // namespace holdfast::net
