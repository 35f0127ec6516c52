#include "net/http_connection.hpp"

#include "messages/log_line.hpp"
#include "net/http_target.hpp"
#include "net/peer_tls.hpp"
#include "net/websocket_session.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::net {

namespace http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;

/// What a handler holds. It outlives the request harmlessly: once detached every call is a no-op.
class connection_exchange final : public http_exchange {
public:
  explicit connection_exchange(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  http_head head_;
  http_connection* connection = nullptr; ///< null when the request is over

  [[nodiscard]] const http_head& head() const override { return head_; }
  [[nodiscard]] asio::any_io_executor executor() override { return executor_; }

  asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) override {
    if (connection == nullptr)
      co_return std::nullopt;
    co_return co_await connection->read_body(limit);
  }
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into) override {
    if (connection == nullptr)
      co_return std::nullopt;
    co_return co_await connection->read_some(into);
  }
  asio::awaitable<void> respond(http_response response) override {
    if (connection != nullptr)
      co_await connection->respond(head_, std::move(response));
  }
  asio::awaitable<void> respond_stream(http_response response, std::optional<std::uint64_t> length,
                                       std::function<asio::awaitable<std::string>()> next) override {
    if (connection != nullptr)
      co_await connection->respond_stream(head_, std::move(response), length, std::move(next));
  }
  asio::awaitable<std::shared_ptr<websocket>> upgrade() override {
    if (connection == nullptr)
      co_return nullptr;
    co_return co_await connection->upgrade(head_);
  }
  [[nodiscard]] bool gone() const override { return connection == nullptr || connection->gone(); }
  void on_gone(std::function<void()> callback) override {
    if (connection != nullptr)
      connection->on_gone(std::move(callback));
  }

private:
  asio::any_io_executor executor_;
};

namespace {

void log_failure(const http_head& head, std::string_view text) {
  spdlog::error("{}", msg::log_line("http_handler_failed")
                          .with("method", head.method_name)
                          .with("path", head.path)
                          .with("text", text)
                          .str());
}

} // namespace

http_response http_shared::error(unsigned status, std::string_view message, const http_head* head) const {
  if (options.make_error) {
    try {
      return options.make_error(status, message, head);
    } catch (const std::exception& error) {
      spdlog::error("{}", msg::log_line("http_error_maker_failed").with("text", error.what()).str());
    }
  }
  http_response response;
  response.status = status;
  response.content_type = "text/plain";
  response.body = message;
  return response;
}

http_connection::http_connection(std::shared_ptr<http_shared> shared, tcp::socket socket, bool refuse)
    : shared_(std::move(shared)), context_(shared_->tls->get()), refuse_(refuse),
      watch_done_(shared_->executor) {
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  if (const auto remote = socket.remote_endpoint(ec); !ec) {
    peer_ = from_endpoint(remote).text();
    peer_ip_ = remote.address().to_string();
  }
  stream_.emplace(std::move(socket), *context_);
  in_.reserve(4096);
}

void http_connection::abort() {
  error_code ec;
  if (stream_)
    stream_->next_layer().close(ec);
  mark_gone();
}

void http_connection::leave() {
  if (gone_ || !stream_)
    return;
  deadline_ = std::min(deadline_, shared_->now + shared_->limits().stop_linger);
  error_code ec;
  if (!between_ || watching_ || stream_->next_layer().available(ec) > 0)
    return; // its next answer says that it closes
  leaving_ = true;
  stream_->next_layer().cancel(ec);
}

void http_connection::mark_gone() {
  gone_ = true;
  const auto callbacks = std::move(gone_callbacks_);
  gone_callbacks_.clear();
  for (const auto& callback : callbacks) {
    try {
      callback();
    } catch (const std::exception& error) {
      spdlog::error("{}", msg::log_line("http_callback_failed").with("text", error.what()).str());
    }
  }
}

asio::awaitable<void> http_connection::run() {
  // g++ 12 miscompiles an await inside the branch of an if whose condition awaits: keep them apart.
  const bool ready = co_await handshake();
  if (ready)
    co_await serve();
}

asio::awaitable<bool> http_connection::handshake() {
  expire_in(shared_->limits().handshake_time);
  const auto mine = shared_->handshaking.insert(shared_->handshaking.end(), this);
  error_code ec;
  co_await stream_->async_handshake(tls_stream::server, redirect_error(use_awaitable, ec));
  shared_->handshaking.erase(mine);
  if (ec) {
    ++shared_->stats.handshakes_failed;
    co_return false;
  }
  SSL* ssl = stream_->native_handle();
  if (SSL_get_SSL_CTX(ssl) != context_->native_handle()) { // the caller asked for the cluster by name
    std::string why;
    const auto proven = prove_peer(ssl, peer_ip_, why);
    if (!proven) {
      ++shared_->stats.handshakes_failed;
      spdlog::warn("{}",
                   msg::log_line("http_member_refused").with("remote", peer_).with("reason", why).str());
      co_return false;
    }
    peer_node_ = proven->certificate.node_id;
  }
  co_return !gone_;
}

asio::awaitable<void> http_connection::serve() {
  const auto& limits = shared_->limits();
  auto patience = limits.first_byte_time;
  bool first = true;
  for (;;) {
    if (in_.size() == 0) {
      idle_ = true;
      between_ = !std::exchange(first, false);
      expire_in(shared_->stopping ? limits.stop_linger : patience);
      const bool arrived = co_await fill();
      between_ = false;
      if (!arrived && !leaving_)
        co_return;
      if (!arrived)
        break;
    }
    idle_ = false;
    expire_in(limits.header_time);
    if (!co_await read_head())
      break;
    no_deadline();
    co_await handle();
    if (gone_ || upgraded_)
      co_return;
    if (must_close())
      break;
    if (in_.size() == 0 && in_.capacity() > limits.header_bytes)
      in_.shrink_to_fit();
    patience = limits.idle_time;
  }
  co_await linger();
}

/// Reads whatever comes next into in_. False when there is nothing more to come.
asio::awaitable<bool> http_connection::fill() {
  if (gone_)
    co_return false;
  if (watching_) {
    error_code ignored;
    watch_done_.expires_at(asio::steady_timer::time_point::max());
    co_await watch_done_.async_wait(redirect_error(use_awaitable, ignored));
    co_return !gone_;
  }
  error_code ec;
  const std::size_t room = body_ == body_kind::chunked && !body_done_ ? 64 * 1024 : 4096;
  const auto n = co_await stream_->async_read_some(in_.prepare(std::max(room, in_.capacity() - in_.size())),
                                                   redirect_error(use_awaitable, ec));
  in_.commit(n);
  if (ec && !leaving_)
    mark_gone();
  co_return !ec;
}

/// True when the handler may run. Otherwise the client is gone or was told what is wrong.
asio::awaitable<bool> http_connection::read_head() {
  const auto& limits = shared_->limits();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser_->body_limit(boost::none);
  body_ = body_kind::none;
  body_done_ = true;
  answered_ = false;
  for (;;) {
    error_code ec;
    in_.consume(parser_->put(in_.data(), ec));
    if (parser_->is_header_done())
      break;
    if (ec && ec != http::error::need_more) {
      const unsigned status = ec == http::error::header_limit  ? 431
                              : ec == http::error::bad_version ? 505
                                                               : 400;
      co_await refuse_head(status, "malformed request: " + ec.message(), nullptr);
      co_return false;
    }
    if (!co_await fill())
      co_return false;
  }
  begin_body();
  if (!exchange_ || exchange_.use_count() > 1) {
    exchange_ = std::make_shared<connection_exchange>(shared_->executor);
    exchange_->head_.peer = peer_;
    exchange_->head_.peer_node = peer_node_;
  }
  auto& head = exchange_->head_;
  fill_head(head, *parser_);
  if (head.headers.size() > limits.header_count) {
    co_await refuse_head(431, "too many header fields", &head);
    co_return false;
  }
  if (const auto why = decode_target(head.target, head); !why.empty()) {
    co_await refuse_head(400, why, &head);
    co_return false;
  }
  if (refuse_) {
    co_await refuse_head(503, "too many connections", &head);
    co_return false;
  }
  co_return true;
}

asio::awaitable<void> http_connection::refuse_head(unsigned status, std::string_view message,
                                                   const http_head* head) {
  ++shared_->stats.bad_requests;
  close_after_ = true;
  auto response = shared_->error(status, message, head);
  const bool told = std::any_of(response.headers.begin(), response.headers.end(),
                                [](const auto& header) { return header.first == "Retry-After"; });
  if (status == 503 && !told)
    response.headers.emplace_back("Retry-After", "1");
  const http_head unknown;
  co_await respond(head != nullptr ? *head : unknown, std::move(response));
}

asio::awaitable<void> http_connection::handle() {
  ++shared_->stats.requests;
  body_error_ = 0;
  exchange_->connection = this;
  bool failed = false;
  try {
    co_await shared_->handler(exchange_);
  } catch (const std::exception& error) {
    failed = true;
    log_failure(exchange_->head_, error.what());
  } catch (...) {
    failed = true;
    log_failure(exchange_->head_, "not a standard exception");
  }
  exchange_->connection = nullptr;
  gone_callbacks_.clear();
  if (failed) {
    ++shared_->stats.handler_errors;
    close_after_ = true;
  }
  if (gone_ || upgraded_)
    co_return;
  if (!answered_) {
    const unsigned status = body_error_ != 0 && !failed ? body_error_ : 500;
    const std::string text = status == 500 ? std::string("internal error") : body_error_text_;
    auto response = shared_->error(status, text, &exchange_->head_);
    co_await respond(exchange_->head_, std::move(response));
  }
  if (!body_done_ && !must_close() && !gone_)
    close_after_ = !co_await drain_body() || close_after_;
}

bool http_connection::must_close() const {
  if (close_after_ || shared_->stopping || !parser_ || !parser_->keep_alive())
    return true;
  if (body_done_)
    return false;
  return expect_continue_ || body_ == body_kind::chunked || body_left_ > shared_->limits().drain_bytes;
}

/// Says goodbye so that the last answer arrives: close_notify first, then whatever the client still sends is
/// thrown away unread until it closes or linger_time is over. Closing at once would reset the connection and
/// could destroy an answer that the client has not read yet.
asio::awaitable<void> http_connection::linger() {
  if (gone_ || !stream_)
    co_return;
  idle_ = true;
  expire_in(leaving_ ? shared_->limits().stop_linger : shared_->limits().linger_time);
  if (watching_ && !co_await fill())
    co_return;
  error_code ec;
  co_await stream_->async_shutdown(redirect_error(use_awaitable, ec));
  auto& socket = stream_->next_layer();
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096>& scrap = ahead_;
  ec = {};
  while (!ec)
    co_await socket.async_read_some(asio::buffer(scrap), redirect_error(use_awaitable, ec));
  socket.close(ignored);
}

void http_connection::on_gone(std::function<void()> callback) {
  gone_callbacks_.push_back(std::move(callback));
  if (gone_)
    mark_gone();
  else
    watch();
}

/// Reads ahead while a handler takes its time: the only way to learn that the client left. What arrives (the
/// next pipelined request) is kept; beyond one head's worth the watch rests.
void http_connection::watch() {
  if (watching_ || gone_ || !stream_ || in_.size() > shared_->limits().header_bytes)
    return;
  watching_ = true;
  stream_->async_read_some(asio::buffer(ahead_), [self = shared_from_this()](error_code ec, std::size_t n) {
    self->watching_ = false;
    const auto room = self->in_.prepare(n);
    std::memcpy(room.data(), self->ahead_.data(), n);
    self->in_.commit(n);
    if (ec)
      self->mark_gone();
    else if (!self->gone_callbacks_.empty())
      self->watch();
    self->watch_done_.cancel();
  });
}

} // namespace holdfast::net
