// Real sockets on loopback, one loop, a deadline on everything.
#pragma once

#include "net/api_certificate.hpp"
#include "net/http_server.hpp"
#include "net/tls_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::net::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Runs the coroutine on the loop; the test fails when it is not done in time.
inline void within(asio::io_context& io, milliseconds limit,
                   const std::function<asio::awaitable<void>()>& work) {
  bool done = false;
  std::exception_ptr thrown;
  asio::co_spawn(io, work(), [&](std::exception_ptr error) {
    thrown = error;
    done = true;
  });
  const auto end = std::chrono::steady_clock::now() + limit;
  io.restart();
  while (!done && std::chrono::steady_clock::now() < end)
    io.run_one_for(10ms);
  if (thrown)
    std::rethrow_exception(thrown);
  REQUIRE_MESSAGE(done, "not done in time");
}

/// Lets the loop run until the condition holds.
inline void until(asio::io_context& io, milliseconds limit, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  io.restart();
  while (!condition() && std::chrono::steady_clock::now() < end)
    io.run_one_for(10ms);
  REQUIRE_MESSAGE(condition(), "condition not met in time");
}

inline const pem_pair& test_pem() {
  static const pem_pair pem = [] {
    certificate_names names;
    names.dns.emplace_back("localhost");
    names.ips.emplace_back("127.0.0.1");
    return make_self_signed(names);
  }();
  return pem;
}

struct server_fixture {
  explicit server_fixture(http_handler handler, http_limits limits = {}, error_maker make_error = {})
      : slot(std::make_shared<tls_slot>(make_api_context(test_pem()))) {
    http_server_options options;
    options.limits = limits;
    options.make_error = std::move(make_error);
    server = std::make_unique<http_server>(io.get_executor(), slot, std::move(handler), options);
    at = server->listen({"127.0.0.1", 0});
  }
  ~server_fixture() {
    server.reset();
    io.restart();
    io.run_for(20ms);
  }
  asio::io_context io{1};
  std::shared_ptr<tls_slot> slot;
  std::unique_ptr<http_server> server;
  net_address at;
};

/// A client that sends exactly the bytes it is told to.
class raw_client {
public:
  raw_client(asio::io_context& io, const net_address& at)
      : context_(asio::ssl::context::tls_client), stream_(io, context_), at_(at) {}

  asio::awaitable<void> connect_tcp() {
    co_await stream_.next_layer().async_connect(to_endpoint(at_), use_awaitable);
  }
  /// Without giving the loop a turn: the server has not accepted it yet.
  void connect_tcp_now() { stream_.next_layer().connect(to_endpoint(at_)); }
  asio::awaitable<void> connect() {
    co_await connect_tcp();
    co_await shake_hands();
  }
  asio::awaitable<void> shake_hands() { co_await stream_.async_handshake(tls_stream::client, use_awaitable); }
  /// False when the other side is gone.
  asio::awaitable<bool> write(std::string bytes) {
    error_code ec;
    co_await asio::async_write(stream_, asio::buffer(bytes), asio::redirect_error(use_awaitable, ec));
    co_return !ec;
  }
  /// Reads until `text` was seen or the connection ended; everything since the last call.
  asio::awaitable<std::string> read_to(std::string text) {
    error_code ec;
    while (got_.find(text) == std::string::npos) {
      char piece[4096];
      const auto n =
          co_await stream_.async_read_some(asio::buffer(piece), asio::redirect_error(use_awaitable, ec));
      got_.append(piece, n);
      if (ec) {
        ended_ = ec;
        break;
      }
    }
    const auto end = std::min(got_.find(text), got_.size());
    const auto upto = std::min(end + text.size(), got_.size());
    std::string result = got_.substr(0, upto);
    got_.erase(0, upto);
    co_return result;
  }
  /// Reads until the connection ended.
  asio::awaitable<std::string> read_all() { co_return co_await read_to("\x01 never \x02"); }
  /// How the connection ended: asio::error::eof in order, anything else cut or reset.
  [[nodiscard]] error_code ended() const { return ended_; }
  void close() {
    error_code ec;
    stream_.next_layer().close(ec);
  }

private:
  static constexpr auto use_awaitable = asio::use_awaitable;
  asio::ssl::context context_;
  tls_stream stream_;
  net_address at_;
  std::string got_;
  error_code ended_;
};

} // namespace holdfast::net::test
