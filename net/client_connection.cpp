#include "net/client_connection.hpp"

#include "net/client_tls.hpp"
#include "net/dial_map.hpp"
#include "net/http_wire.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace holdfast::net {

namespace http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr std::size_t read_ahead = 64 * 1024;

client_error kind_of(const error_code& ec) {
  if (ec == asio::error::connection_refused)
    return client_error::refused;
  return client_error::connect;
}

} // namespace

client_connection::client_connection(asio::any_io_executor executor, tls_context_ptr context,
                                     std::shared_ptr<const http_client_options> options,
                                     std::uint64_t generation)
    : context_(std::move(context)), options_(std::move(options)), generation_(generation),
      resolver_(executor), timer_(executor) {
  stream_.emplace(std::move(executor), *context_);
}

client_failure client_connection::fail(client_error kind, std::string message) {
  if (timed_out_) {
    kind = client_error::timeout;
    message = "no answer in time";
  }
  close();
  failure_ = {kind, std::move(message), sent_};
  return failure_;
}

void client_connection::close() {
  error_code ec;
  timer_.cancel();
  resolver_.cancel();
  if (stream_)
    stream_->next_layer().close(ec);
}

/// One timer wait serves many requests: moving the deadline later costs an assignment.
void client_connection::set_deadline(clock::time_point at) {
  deadline_ = at;
  if (at < armed_for_)
    arm();
}

void client_connection::arm() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (ec || !self)
      return;
    self->armed_for_ = clock::time_point::max();
    if (self->deadline_ == clock::time_point::max())
      return;
    if (clock::now() < self->deadline_) {
      self->arm();
      return;
    }
    self->timed_out_ = true;
    self->close();
  });
}

asio::awaitable<client_failure> client_connection::connect_tcp(std::string host, std::uint16_t port) {
  error_code ec;
  std::vector<tcp::endpoint> ends;
  const auto literal = asio::ip::make_address(host, ec);
  if (!ec) {
    const auto target = dial_target({literal.to_string(), port});
    ends.emplace_back(asio::ip::make_address(target.ip, ec), target.port);
  } else {
    const auto found =
        co_await resolver_.async_resolve(host, std::to_string(port), redirect_error(use_awaitable, ec));
    if (ec)
      co_return fail(client_error::resolve, "cannot resolve " + host + ": " + ec.message());
    for (const auto& entry : found)
      ends.push_back(entry.endpoint());
  }
  auto& socket = stream_->next_layer();
  for (const auto& end : ends) {
    error_code ignored;
    socket.close(ignored);
    socket.open(end.protocol(), ec);
    if (!ec && !options_->bind_ip.empty())
      socket.bind({asio::ip::make_address(options_->bind_ip, ignored), 0}, ec);
    if (!ec)
      co_await socket.async_connect(end, redirect_error(use_awaitable, ec));
    if (!ec || timed_out_)
      break;
  }
  if (ec)
    co_return fail(kind_of(ec),
                   "cannot connect to " + host + " port " + std::to_string(port) + ": " + ec.message());
  socket.set_option(tcp::no_delay(true), ec);
  co_return client_failure{};
}

asio::awaitable<client_failure> client_connection::connect(http_url where) {
  const auto& host = where.host;
  auto failed = co_await connect_tcp(host, where.port);
  if (failed)
    co_return failed;
  SSL* ssl = stream_->native_handle();
  prepare_client(ssl, *options_, where);
  error_code ec;
  co_await stream_->async_handshake(tls_stream::client, redirect_error(use_awaitable, ec));
  if (ec) {
    const auto verdict = SSL_get_verify_result(ssl);
    const std::string why = verdict == X509_V_OK ? ec.message() : X509_verify_cert_error_string(verdict);
    co_return fail(client_error::tls, "TLS with " + host + " failed: " + why);
  }
  const auto objection = judge_server(ssl, *options_, where, fingerprint_);
  if (!objection.empty())
    co_return fail(client_error::tls, objection);
  co_return client_failure{};
}

asio::awaitable<bool> client_connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    error_code ec;
    sent_ = true;
    const auto n = co_await stream_->async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                                      redirect_error(use_awaitable, ec));
    if (ec)
      co_return false;
    bytes.remove_prefix(n);
  }
  co_return true;
}

asio::awaitable<bool> client_connection::write_request(const client_request& request,
                                                       const std::string& host_header,
                                                       std::chrono::milliseconds step) {
  request_line line;
  line.method = request.method;
  line.target = request.target;
  line.host = host_header;
  line.headers = &request.headers;
  line.chunked = request.body_source && !request.length;
  if (request.body_source)
    line.length = request.length;
  else if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
    line.length = request.body.size();
  std::string out;
  append_request(out, line);
  if (!request.body_source)
    out += request.body;
  const bool written = co_await write(out);
  if (!written || !request.body_source)
    co_return written;
  co_return co_await write_pieces(request, step);
}

asio::awaitable<bool> client_connection::write_pieces(const client_request& request,
                                                      std::chrono::milliseconds step) {
  std::string out;
  std::uint64_t total = 0;
  for (;;) {
    set_deadline(clock::time_point::max()); // the source may take its time
    const std::string piece = co_await request.body_source();
    total += piece.size();
    if (request.length && total > *request.length)
      co_return false;
    out.clear();
    if (request.length)
      out = piece;
    else
      append_chunk(out, piece);
    set_deadline(clock::now() + step);
    const bool written = co_await write(out);
    if (!written)
      co_return false;
    if (piece.empty())
      co_return !request.length || total == *request.length;
  }
}

asio::awaitable<client_failure> client_connection::exchange(const client_request& request,
                                                            const std::string& host_header,
                                                            std::chrono::milliseconds step,
                                                            client_response& head) {
  stale_ = false;
  sent_ = false;
  parser_.reset();
  const bool written = co_await write_request(request, host_header, step);
  if (!written && timed_out_)
    co_return fail(client_error::timeout, "");
  // A server that does not like what it reads answers early and closes: that answer is worth more than our
  // broken write.
  auto failed = co_await read_head(request.method == "HEAD", head);
  if (!failed && !written)
    head.headers.emplace_back("connection", "close");
  co_return failed;
}

asio::awaitable<error_code> client_connection::fill() {
  error_code ec;
  const auto n =
      co_await stream_->async_read_some(in_.prepare(read_ahead), redirect_error(use_awaitable, ec));
  in_.commit(n);
  co_return ec;
}

asio::awaitable<client_failure> client_connection::read_head(bool head_only, client_response& head) {
  bool any = in_.size() > 0;
  for (;;) {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_->header_bytes));
    parser_->body_limit(boost::none);
    parser_->skip(head_only);
    while (!parser_->is_header_done()) {
      error_code ec = http::error::need_more;
      if (in_.size() > 0)
        in_.consume(parser_->put(in_.data(), ec));
      if (parser_->is_header_done())
        break;
      if (ec && ec != http::error::need_more)
        co_return fail(client_error::protocol, "malformed answer: " + ec.message());
      ec = co_await fill();
      any = any || in_.size() > 0;
      if (ec) {
        stale_ = !any && !timed_out_;
        co_return fail(client_error::closed, "the connection was closed before an answer: " + ec.message());
      }
    }
    const auto status = parser_->get().result_int();
    if (status >= 200 || status == 101)
      break;
  }
  parser_->eager(true);
  const auto& message = parser_->get();
  head.status = message.result_int();
  for (const auto& field : message) {
    std::string name(field.name_string().data(), field.name_string().size());
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    head.headers.emplace_back(std::move(name), std::string(field.value().data(), field.value().size()));
  }
  co_return client_failure{};
}

asio::awaitable<std::optional<std::size_t>> client_connection::read_some(std::span<std::byte> into) {
  if (!parser_ || failure_)
    co_return std::nullopt;
  auto& body = parser_->get().body();
  while (!parser_->is_done()) {
    body.data = into.data();
    body.size = into.size();
    body.more = true;
    error_code ec = http::error::need_more;
    if (in_.size() > 0)
      in_.consume(parser_->put(in_.data(), ec));
    const auto n = into.size() - body.size;
    if (ec && ec != http::error::need_more && ec != http::error::need_buffer) {
      static_cast<void>(fail(client_error::protocol, "malformed answer: " + ec.message()));
      co_return std::nullopt;
    }
    if (n > 0)
      co_return n;
    if (parser_->is_done())
      break;
    ec = co_await fill();
    if (!ec)
      continue;
    error_code end;
    if (ec == asio::error::eof)
      parser_->put_eof(end);
    if (ec != asio::error::eof || end) {
      static_cast<void>(
          fail(client_error::closed, "the connection was closed within an answer: " + ec.message()));
      co_return std::nullopt;
    }
  }
  co_return 0;
}

bool client_connection::reusable() const {
  return !failure_ && !timed_out_ && stream_ && parser_ && parser_->is_done() && parser_->keep_alive() &&
         in_.size() == 0;
}

bool client_connection::quiet() {
  char byte = 0;
  const auto n = ::recv(stream_->next_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

tls_stream client_connection::release() {
  timer_.cancel();
  tls_stream taken = std::move(*stream_);
  stream_.reset();
  return taken;
}

} // namespace holdfast::net
