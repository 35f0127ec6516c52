// HTTPS and websocket client with a pool of kept connections. Coroutines; loop thread only. Nothing is
// retried in here except one case that is provably safe: a pooled connection that turns out closed before the
// first byte of an answer, for a request without a streamed body, whose method is GET or HEAD.
//
// g++ 12 destroys an aggregate made inside a co_await expression twice: give url, request and headers names
// first.
#pragma once

#include "net/address.hpp"
#include "net/http_exchange.hpp"
#include "net/identity.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::net {

enum class verify_mode : std::uint8_t {
  none,        ///< like the existing client: encrypt, do not authenticate
  fingerprint, ///< the server's leaf certificate must have this SHA-256 (a join ticket carries it)
  /// A fellow member: its certificate must chain to one of the roots and be that of http_url::node (or carry
  /// the IP dialled); ours is shown. Set bind_ip to this node's consensus IP.
  cluster_roots,
};

struct http_client_options {
  verify_mode verify = verify_mode::none;
  std::string fingerprint; ///< for verify_mode::fingerprint, hex, case and ':' do not matter
  std::vector<certificate> roots;
  std::optional<credential> own;                 ///< shown when the server asks
  std::string bind_ip;                           ///< source address; empty: the system's choice
  std::chrono::milliseconds connect_time{5'000}; ///< name, TCP and TLS together
  std::chrono::milliseconds idle_keep{30'000};   ///< how long an idle connection is kept
  std::size_t idle_per_host = 16;
  std::size_t header_bytes = 64 * 1024;
  std::chrono::milliseconds websocket_idle{90'000}; ///< silence (pongs count as noise) before one is cut
};

enum class client_error : std::uint8_t {
  none,
  resolve,   ///< no such host
  refused,   ///< nobody listens there
  connect,   ///< any other failure before TLS
  tls,       ///< handshake or verification
  timeout,   ///< a deadline passed
  closed,    ///< the connection ended early
  protocol,  ///< not HTTP, or beyond a limit
  too_large, ///< body over the caller's limit
};

/// Why a call failed. `sent` tells whether any part of the request may have reached the server: when true and
/// the request was a write, its outcome is unknown.
struct client_failure {
  client_error kind = client_error::none;
  std::string message;
  bool sent = false;
  explicit operator bool() const { return kind != client_error::none; }
};

struct http_url {
  std::string host; ///< name or IP literal, no brackets
  std::uint16_t port = 443;
  std::string target = "/"; ///< path and query, encoded
  std::string node; ///< with verify_mode::cluster_roots: the member that must answer; empty: any with this IP
};
/// https:// or wss:// only; default port as given. Empty and `why` set when it does not parse.
[[nodiscard]] std::optional<http_url> parse_url(std::string_view text, std::uint16_t default_port,
                                                std::string& why);

/// Lets somebody else end a call: its connection is closed, and the call fails as `closed`. Share one between
/// the request and whoever may lose interest (a client that left). Loop thread only.
class client_cancel {
public:
  void cancel() {
    cancelled_ = true;
    if (const auto stop = std::exchange(stop_, {}))
      stop();
  }
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  /// For the client alone: what cancel() does from now on.
  void arm(std::function<void()> stop) { stop_ = std::move(stop); }

private:
  std::function<void()> stop_;
  bool cancelled_ = false;
};

struct client_request {
  std::string method = "GET";
  std::string target = "/"; ///< as it goes on the wire (see encode_path)
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// When set, the body comes from here until it yields an empty string: chunked, or with `length` known. An
  /// exception out of it closes the connection and leaves the call.
  std::function<boost::asio::awaitable<std::string>()> body_source;
  std::optional<std::uint64_t> length;
  std::shared_ptr<client_cancel> cancel; ///< may be null; also ends the reading of the answer's body
};

struct client_response {
  client_failure failure; ///< when set, nothing else is
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers; ///< names in lower case
  std::string body;
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

/// A response whose body is still coming. Destroying it early closes its connection.
class client_stream {
public:
  virtual ~client_stream() = default;
  [[nodiscard]] virtual const client_response& head() const = 0; ///< body empty
  /// Bytes read into `into`; 0 at the end (the connection then goes back to the pool); nothing on failure.
  /// Each call has `idle` to make progress.
  virtual boost::asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into,
                                                                       std::chrono::milliseconds idle) = 0;
};

struct client_stream_result {
  client_failure failure;
  std::unique_ptr<client_stream> stream;
};
struct client_websocket_result {
  client_failure failure;
  unsigned status = 0; ///< the server's answer when it declined the upgrade
  std::string body;    ///< its body, at most 64 KiB
  std::shared_ptr<websocket> socket;
};

class http_client {
public:
  http_client(boost::asio::any_io_executor executor, http_client_options options = {});
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// New connections use these from now on; idle ones of the old kind are closed, running ones finish.
  void reconfigure(http_client_options options);

  /// One request, whole answer; everything within `time`. The answer's body may have at most `body_limit`
  /// bytes.
  boost::asio::awaitable<client_response> send(http_url where, client_request request,
                                               std::chrono::milliseconds time, std::size_t body_limit);
  /// Same until the head of the answer is there; the body is then read piece by piece. With a body_source,
  /// `time` bounds each step (a piece sent) rather than the whole.
  boost::asio::awaitable<client_stream_result> open(http_url where, client_request request,
                                                    std::chrono::milliseconds time);
  boost::asio::awaitable<client_websocket_result>
  connect_websocket(http_url where, std::vector<std::pair<std::string, std::string>> headers,
                    std::chrono::milliseconds time);

  /// SHA-256 of the certificate the last new connection showed, for messages. Empty before any.
  [[nodiscard]] const std::string& last_fingerprint() const;

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace holdfast::net
