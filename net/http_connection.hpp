// One connection of the HTTP server: the coroutine that reads heads, runs the handler and writes answers.
// Internal to the room.
#pragma once

#include "net/http_server.hpp"
#include "net/http_wire.hpp"
#include "net/tls_stream.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::net {

class http_connection;
class websocket_session;

/// What the connections of a server share. Loop thread only.
struct http_shared {
  http_shared(asio::any_io_executor ex, std::shared_ptr<tls_slot> slot, http_handler on_request,
              http_server_options opts)
      : executor(std::move(ex)), tls(std::move(slot)), handler(std::move(on_request)),
        options(std::move(opts)), changed(executor) {}

  asio::any_io_executor executor;
  std::shared_ptr<tls_slot> tls;
  http_handler handler;
  http_server_options options;
  http_server_stats stats;
  bool stopping = false;
  bool orphaned = false;                     ///< the server is gone: connections end without it
  std::chrono::steady_clock::time_point now; ///< refreshed by the sweep; good to one tick
  std::string date;
  std::list<std::shared_ptr<http_connection>> open;
  std::list<http_connection*> handshaking; ///< oldest first
  std::list<std::weak_ptr<websocket_session>> sockets;
  asio::steady_timer changed; ///< cancelled whenever a connection goes

  [[nodiscard]] const http_limits& limits() const { return options.limits; }
  /// An error in the caller's shape.
  [[nodiscard]] http_response error(unsigned status, std::string_view message, const http_head* head) const;
};

/// The state of one request's body on the wire.
enum class body_kind : std::uint8_t { none, sized, chunked };

class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  http_connection(std::shared_ptr<http_shared> shared, tcp::socket socket, bool refuse);

  /// Lives as long as the connection. Never throws.
  asio::awaitable<void> run();

  /// Cuts the connection now; its coroutine ends soon after.
  void abort();
  /// The server stops: an idle connection ends in order, after what has arrived on it was answered. A new one
  /// may still send its first request, soon.
  void leave();
  /// Nothing in progress: between two requests or before the first.
  [[nodiscard]] bool idle() const { return idle_; }
  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const { return deadline_; }

  // What an exchange asks of its connection.
  asio::awaitable<std::optional<std::string>> read_body(std::size_t limit);
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into);
  asio::awaitable<void> respond(const http_head& head, http_response response);
  asio::awaitable<void> respond_stream(const http_head& head, http_response response,
                                       std::optional<std::uint64_t> length,
                                       std::function<asio::awaitable<std::string>()> next);
  asio::awaitable<std::shared_ptr<websocket>> upgrade(const http_head& head);
  [[nodiscard]] bool gone() const { return gone_; }
  void on_gone(std::function<void()> callback);
  [[nodiscard]] asio::any_io_executor executor() const { return shared_->executor; }

  // Bookkeeping of the server.
  std::list<std::shared_ptr<http_connection>>::iterator place;

private:
  using duration = std::chrono::milliseconds;

  asio::awaitable<bool> handshake();
  asio::awaitable<void> serve();
  asio::awaitable<bool> read_head();
  asio::awaitable<void> handle();
  asio::awaitable<bool> fill();
  asio::awaitable<bool> write_out();
  asio::awaitable<void> linger();
  asio::awaitable<bool> drain_body();
  asio::awaitable<void> refuse_head(unsigned status, std::string_view message, const http_head* head);
  asio::awaitable<bool> continue_if_expected();
  asio::awaitable<std::optional<std::size_t>> read_sized(std::span<std::byte> into);
  asio::awaitable<std::optional<std::size_t>> read_chunked(std::span<std::byte> into);

  void begin_body();
  std::size_t take_buffered(std::span<std::byte> into);
  void fail_body(unsigned status, std::string_view message);
  asio::awaitable<bool> write_all(std::string_view bytes);
  void start_answer(std::string& out, const http_response& response, std::uint64_t length,
                    body_framing framing);
  [[nodiscard]] bool must_close() const;
  void watch();
  void mark_gone();
  void expire_in(duration time) { deadline_ = shared_->now + time; }
  void no_deadline() { deadline_ = std::chrono::steady_clock::time_point::max(); }

  std::shared_ptr<http_shared> shared_;
  std::optional<tls_stream> stream_;
  tls_context_ptr context_; ///< outlives the stream's use of it
  boost::beast::flat_buffer in_;
  std::string out_;
  std::optional<request_parser> parser_;
  std::shared_ptr<class connection_exchange> exchange_;
  std::string peer_;
  std::string peer_ip_;
  std::string peer_node_; ///< set when a member's certificate was proven
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();

  body_kind body_ = body_kind::none;
  std::uint64_t body_left_ = 0; ///< for sized
  bool body_done_ = true;
  bool expect_continue_ = false;
  unsigned body_error_ = 0; ///< status to answer with when the handler does not
  std::string body_error_text_;

  bool refuse_ = false;
  bool idle_ = true;
  bool answered_ = false;
  bool gone_ = false;
  bool close_after_ = false;
  bool upgraded_ = false;
  bool between_ = false; ///< between two requests, waiting for the next one's first byte
  bool leaving_ = false; ///< told to end while between two requests
  std::vector<std::function<void()>> gone_callbacks_;

  bool watching_ = false;
  std::array<char, 4096> ahead_; ///< what a watch reads
  asio::steady_timer watch_done_;
};

} // namespace holdfast::net
