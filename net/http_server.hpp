// The HTTPS server: HTTP/1.1 over TLS 1.3 and 1.2, one coroutine a connection, everything bounded. It knows
// no route: each request goes to one handler, each error the server finds by itself is worded by the caller's
// error_maker (rest-contract §2). All calls on the loop thread of the executor given.
#pragma once

#include "net/address.hpp"
#include "net/http_exchange.hpp"
#include "net/tls_context.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::net {

/// Every bound of a server in one place. Sizes in bytes.
struct http_limits {
  std::size_t header_bytes = 64 * 1024; ///< request line and headers; beyond: 431 and close
  std::size_t header_count = 100;       ///< beyond: 431 and close
  std::size_t drain_bytes = 256 * 1024; ///< unread body swallowed to keep a connection; beyond: close
  std::size_t max_connections = 4096;   ///< beyond: 503 and close
  std::size_t max_handshakes = 256;     ///< half-open TLS; beyond: the oldest one is dropped
  std::size_t refusal_reserve = 64; ///< connections kept above max_connections to say 503 to; beyond: close

  std::chrono::milliseconds handshake_time{5'000};
  std::chrono::milliseconds first_byte_time{15'000}; ///< from handshake to the first request's first byte
  std::chrono::milliseconds header_time{10'000};     ///< from a head's first byte to its last
  std::chrono::milliseconds idle_time{120'000};      ///< between two requests
  std::chrono::milliseconds body_idle_time{30'000};  ///< without a byte of an awaited body
  std::chrono::milliseconds read_body_time{60'000};  ///< for one whole read_body
  std::chrono::milliseconds write_time{30'000};      ///< without progress of an answer
  std::chrono::milliseconds linger_time{2'000};      ///< for a client to take the last answer before a close

  std::chrono::milliseconds stop_grace{100}; ///< a stopping server says "Connection: close" for so long first
  std::chrono::milliseconds stop_linger{300}; ///< then waits so long for who has not asked, or not left, yet

  std::size_t websocket_message = 64 * 1024;        ///< received message; longer: close 1009
  std::size_t websocket_queue = 4 * 1024 * 1024;    ///< bytes queued to one client; full: send() says false
  std::chrono::milliseconds websocket_idle{90'000}; ///< silence (pongs count as noise) before it is cut
};

/// Words an error the server itself answers with. `head` is null when the request could not be read that far.
using error_maker =
    std::function<http_response(unsigned status, std::string_view message, const http_head* head)>;

struct http_server_options {
  http_limits limits;
  error_maker make_error;  ///< empty: plain text
  bool reuse_port = false; ///< several servers (one a loop) on the same address
  int backlog = 1024;
};

struct http_server_stats {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;           ///< over max_connections
  std::uint64_t handshakes_failed = 0; ///< includes timed out and pushed out
  std::uint64_t requests = 0;
  std::uint64_t bad_requests = 0;   ///< refused before the handler saw them
  std::uint64_t handler_errors = 0; ///< exceptions out of the handler
  std::uint64_t timed_out = 0;      ///< connections cut by a deadline
  std::size_t open = 0;             ///< connections now
  std::size_t handshaking = 0;      ///< of these, not through the TLS handshake
  std::size_t websockets = 0;       ///< of these, upgraded
};

class http_server {
public:
  http_server(boost::asio::any_io_executor executor, std::shared_ptr<tls_slot> tls, http_handler handler,
              http_server_options options = {});
  /// Closes every connection at once.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Binds, listens and starts to accept; port 0 takes any free one. Returns the address bound. "::" takes
  /// IPv4 too. May be called several times. Throws std::runtime_error naming the address and the reason.
  net_address listen(const net_address& where);

  /// Ends without a reset for anybody who behaves: first each answer says "Connection: close", so that busy
  /// clients leave by themselves; then who waits to be accepted is taken in, nobody after that, idle
  /// connections are closed in order, and what has arrived is answered. What is left after `drain` is cut.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds drain);

  [[nodiscard]] http_server_stats stats() const;

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace holdfast::net
