// One connection of the HTTPS client. Internal to the room.
#pragma once

#include "net/http_client.hpp"
#include "net/tls_context.hpp"
#include "net/tls_stream.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::net {

class client_connection : public std::enable_shared_from_this<client_connection> {
public:
  using clock = std::chrono::steady_clock;

  client_connection(asio::any_io_executor executor, tls_context_ptr context,
                    std::shared_ptr<const http_client_options> options, std::uint64_t generation);

  /// Everything up to the end of the handshake.
  asio::awaitable<client_failure> connect(http_url where);
  /// Sends the request and reads the answer's head into `head`; with body_source each piece gets `step`.
  asio::awaitable<client_failure> exchange(const client_request& request, const std::string& host_header,
                                           std::chrono::milliseconds step, client_response& head);
  /// As client_stream::read_some, without the deadline.
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into);

  /// The connection is cut at this time unless it is moved; max() for never.
  void set_deadline(clock::time_point at);
  void close();

  [[nodiscard]] bool timed_out() const { return timed_out_; }
  /// The whole answer was read and another request may follow.
  [[nodiscard]] bool reusable() const;
  /// Nothing happened on the idle socket since: neither an end nor a byte.
  [[nodiscard]] bool quiet();
  /// Why the last read_some gave nothing.
  [[nodiscard]] const client_failure& failure() const { return failure_; }
  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// True when the last exchange failed before one byte of an answer came.
  [[nodiscard]] bool stale() const { return stale_; }
  /// Hands the stream over (websocket); the connection is dead afterwards.
  [[nodiscard]] tls_stream release();
  [[nodiscard]] tls_context_ptr context() const { return context_; }

  clock::time_point idle_since;

private:
  using response_parser = boost::beast::http::response_parser<boost::beast::http::buffer_body>;

  asio::awaitable<client_failure> connect_tcp(std::string host, std::uint16_t port);
  asio::awaitable<bool> write(std::string_view bytes);
  asio::awaitable<bool> write_request(const client_request& request, const std::string& host_header,
                                      std::chrono::milliseconds step);
  asio::awaitable<bool> write_pieces(const client_request& request, std::chrono::milliseconds step);
  asio::awaitable<client_failure> read_head(bool head_only, client_response& head);
  asio::awaitable<error_code> fill();
  [[nodiscard]] client_failure fail(client_error kind, std::string message);
  void arm();

  tls_context_ptr context_;
  std::shared_ptr<const http_client_options> options_;
  std::uint64_t generation_;
  std::optional<tls_stream> stream_;
  tcp::resolver resolver_;
  asio::steady_timer timer_;
  clock::time_point deadline_ = clock::time_point::max();
  clock::time_point armed_for_ = clock::time_point::max();
  boost::beast::flat_buffer in_;
  std::optional<response_parser> parser_;
  client_failure failure_;
  std::string fingerprint_;
  bool timed_out_ = false;
  bool sent_ = false;
  bool stale_ = false;
};

} // namespace holdfast::net
