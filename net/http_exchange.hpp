// One HTTP request and the means to answer it, as a route sees it. No Beast in here, so that the rooms above
// compile fast and know nothing of the library underneath.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::net {

enum class http_method : std::uint8_t { get, head, post, put, patch, del, other };

/// The head of a request. `path` is percent-decoded and checked (no NUL, no "..", valid UTF-8) before any
/// route sees it; `query` pairs are decoded too, in the order they came.
struct http_head {
  http_method method = http_method::other;
  std::string method_name; ///< as sent, for error texts
  std::string target;      ///< as sent
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers; ///< names in lower case
  std::string peer;                                         ///< remote "ip:port"
  std::string
      peer_node; ///< node id of the fellow member that calls, proven by its cluster certificate; else empty
  std::optional<std::uint64_t> content_length;
  bool wants_websocket = false;

  /// First header of that (lower case) name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  /// First query value of that name, if present.
  [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// How the other side said goodbye (RFC 6455 §7.1.5).
struct websocket_goodbye {
  std::uint16_t code = 0; ///< 0: it said nothing, the connection was lost
  std::string reason;
};

/// A websocket after the upgrade. Text frames only. All calls on the exchange's executor.
class websocket {
public:
  virtual ~websocket() = default;
  /// Next whole message, or nothing when the peer closed, sent something too long, or was silent too long.
  virtual boost::asio::awaitable<std::optional<std::string>> receive() = 0;
  /// Queues a text frame. False when the bounded send queue is full: the caller should close.
  virtual bool send(std::string text) = 0;
  virtual void close(std::string_view why) = 0;
  /// The same with a status code that may stand in a close frame (RFC 6455 §7.4.1); close() says 1000.
  virtual void close_with(std::uint16_t /*code*/, std::string_view why) { close(why); }
  /// What the peer's close frame held, once receive() has answered with nothing.
  [[nodiscard]] virtual websocket_goodbye goodbye() const { return {}; }
};

class http_exchange {
public:
  virtual ~http_exchange() = default;
  [[nodiscard]] virtual const http_head& head() const = 0;
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;

  /// The whole body, at most `limit` bytes. Nothing when it is longer (the server then answers 413 and
  /// closes) or when the client went away.
  virtual boost::asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) = 0;
  /// Streams the body: bytes read into `into`, 0 at the end, nothing on error.
  virtual boost::asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into) = 0;

  /// Sends the whole answer. Exactly one of respond, respond_stream, upgrade is called per exchange.
  virtual boost::asio::awaitable<void> respond(http_response response) = 0;
  /// Sends a head and then chunks from `next` until it yields an empty string (chunked when length is
  /// unknown).
  virtual boost::asio::awaitable<void>
  respond_stream(http_response head, std::optional<std::uint64_t> length,
                 std::function<boost::asio::awaitable<std::string>()> next) = 0;
  virtual boost::asio::awaitable<std::shared_ptr<websocket>> upgrade() = 0;

  /// True once the client is known to be gone; long polls ask this, and `on_gone` calls back once.
  [[nodiscard]] virtual bool gone() const = 0;
  virtual void on_gone(std::function<void()> callback) = 0;
};

/// Called once per request on the event loop. It may throw: the server then answers 500 in the error shape
/// the caller configured and logs; it never takes the process down.
using http_handler = std::function<boost::asio::awaitable<void>(std::shared_ptr<http_exchange>)>;

} // namespace holdfast::net
