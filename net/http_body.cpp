// Bodies in and answers out: the part of a connection that handlers drive.
#include "messages/log_line.hpp"
#include "net/http_connection.hpp"
#include "net/websocket_session.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

namespace holdfast::net {

namespace http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

/// Answers up to this size go out together with their head, copied into one buffer; larger ones are not
/// copied.
constexpr std::size_t copied_body = 256 * 1024;
/// Kept from answer to answer.
constexpr std::size_t kept_buffer = 64 * 1024;

bool carries_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

} // namespace

void http_connection::begin_body() {
  parser_->eager(true);
  body_left_ = 0;
  if (parser_->chunked()) {
    body_ = body_kind::chunked;
  } else if (const auto length = parser_->content_length(); length && *length > 0) {
    body_ = body_kind::sized;
    body_left_ = *length;
  }
  body_done_ = body_ == body_kind::none;
  const auto expect = parser_->get()[http::field::expect];
  expect_continue_ =
      !body_done_ && parser_->get().version() >= 11 && boost::beast::iequals(expect, "100-continue");
}

void http_connection::fail_body(unsigned status, std::string_view message) {
  close_after_ = true;
  if (body_error_ == 0) {
    body_error_ = status;
    body_error_text_ = message;
  }
}

asio::awaitable<bool> http_connection::continue_if_expected() {
  if (!expect_continue_ || answered_)
    co_return true;
  expect_continue_ = false;
  append_continue(out_);
  co_return co_await write_out();
}

std::size_t http_connection::take_buffered(std::span<std::byte> into) {
  const auto n = std::min(into.size(), in_.size());
  std::memcpy(into.data(), in_.data().data(), n);
  in_.consume(n);
  return n;
}

asio::awaitable<std::optional<std::size_t>> http_connection::read_some(std::span<std::byte> into) {
  if (body_done_ || into.empty())
    co_return body_error_ == 0 ? std::optional<std::size_t>(0) : std::nullopt;
  if (gone_ || body_error_ != 0 || !co_await continue_if_expected())
    co_return std::nullopt;
  expire_in(shared_->limits().body_idle_time);
  const auto n = body_ == body_kind::sized ? co_await read_sized(into) : co_await read_chunked(into);
  no_deadline();
  co_return n;
}

asio::awaitable<std::optional<std::size_t>> http_connection::read_sized(std::span<std::byte> into) {
  into = into.first(std::min<std::size_t>(into.size(), body_left_));
  if (in_.size() == 0 && watching_ && !co_await fill())
    co_return std::nullopt;
  std::size_t n = 0;
  if (in_.size() > 0) {
    n = take_buffered(into);
  } else {
    error_code ec;
    n = co_await stream_->async_read_some(asio::buffer(into.data(), into.size()),
                                          redirect_error(use_awaitable, ec));
    if (ec && n == 0) {
      mark_gone();
      co_return std::nullopt;
    }
  }
  body_left_ -= n;
  body_done_ = body_left_ == 0;
  co_return n;
}

asio::awaitable<std::optional<std::size_t>> http_connection::read_chunked(std::span<std::byte> into) {
  auto& body = parser_->get().body();
  for (;;) {
    body.data = into.data();
    body.size = into.size();
    body.more = true;
    if (in_.size() > 0 && !parser_->is_done()) {
      error_code ec;
      in_.consume(parser_->put(in_.data(), ec));
      if (ec && ec != http::error::need_more && ec != http::error::need_buffer) {
        fail_body(400, "malformed chunked body: " + ec.message());
        co_return std::nullopt;
      }
    }
    const auto n = into.size() - body.size;
    body_done_ = parser_->is_done();
    if (n > 0 || body_done_)
      co_return n;
    if (in_.size() > shared_->limits().header_bytes) { // a chunk head or trailer without an end
      fail_body(400, "malformed chunked body");
      co_return std::nullopt;
    }
    if (!co_await fill())
      co_return std::nullopt;
  }
}

asio::awaitable<std::optional<std::string>> http_connection::read_body(std::size_t limit) {
  if (body_ == body_kind::sized && body_left_ > limit) {
    fail_body(413, "the body has more than " + std::to_string(limit) + " bytes");
    co_return std::nullopt;
  }
  std::string body;
  if (body_ == body_kind::sized && in_.size() >= body_left_) { // the usual case: all here already
    body.resize(body_left_);
    take_buffered(std::as_writable_bytes(std::span(body)));
    body_left_ = 0;
    body_done_ = true;
    co_return body;
  }
  const auto end = std::chrono::steady_clock::now() + shared_->limits().read_body_time;
  while (!body_done_) {
    // Grows with what has arrived, not with what was announced: an announcement costs no memory.
    const auto have = body.size();
    auto room = std::clamp<std::size_t>(have, 4096, 1024 * 1024);
    if (body_ == body_kind::sized)
      room = std::min<std::size_t>(room, body_left_);
    body.resize(have + room);
    const auto n = co_await read_some(std::as_writable_bytes(std::span(body)).subspan(have));
    body.resize(have + n.value_or(0));
    if (!n)
      co_return std::nullopt;
    if (body.size() > limit) {
      fail_body(413, "the body has more than " + std::to_string(limit) + " bytes");
      co_return std::nullopt;
    }
    if (!body_done_ && std::chrono::steady_clock::now() > end) {
      fail_body(408, "the body took too long");
      co_return std::nullopt;
    }
  }
  co_return body;
}

/// Swallows what the handler did not read, so that the next request can follow. False when it is too much.
asio::awaitable<bool> http_connection::drain_body() {
  std::array<std::byte, 4096> scrap;
  std::size_t total = 0;
  while (!body_done_) {
    const auto n = co_await read_some(scrap);
    if (!n)
      co_return false;
    total += *n;
    if (total > shared_->limits().drain_bytes)
      co_return false;
  }
  co_return true;
}

asio::awaitable<bool> http_connection::write_out() {
  bool fine = co_await write_all(out_);
  out_.clear();
  if (out_.capacity() > kept_buffer)
    out_.shrink_to_fit();
  co_return fine;
}

asio::awaitable<bool> http_connection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (gone_ || !stream_)
      co_return false;
    expire_in(shared_->limits().write_time);
    error_code ec;
    const auto n = co_await stream_->async_write_some(asio::buffer(bytes.data(), bytes.size()),
                                                      redirect_error(use_awaitable, ec));
    no_deadline();
    if (ec) {
      abort();
      co_return false;
    }
    bytes.remove_prefix(n);
  }
  co_return true;
}

void http_connection::start_answer(std::string& out, const http_response& response, std::uint64_t length,
                                   body_framing framing) {
  answered_ = true;
  answer_head line;
  line.status = response.status;
  line.content_type = response.content_type;
  line.headers = &response.headers;
  line.length = length;
  line.framing = framing;
  line.version = parser_ && parser_->is_header_done() ? parser_->get().version() : 11;
  line.close = must_close();
  line.date = shared_->date;
  append_head(out, line);
}

asio::awaitable<void> http_connection::respond(const http_head& head, http_response response) {
  if (answered_ || upgraded_) {
    spdlog::error("{}", msg::log_line("http_answered_twice").with("path", head.path).str());
    co_return;
  }
  const bool sized = carries_body(response.status);
  start_answer(out_, response, response.body.size(), sized ? body_framing::sized : body_framing::none);
  const bool with_body = sized && head.method != http_method::head;
  const bool together = response.body.size() <= copied_body;
  if (with_body && together)
    out_ += response.body;
  const bool written = co_await write_out();
  if (written && with_body && !together)
    co_await write_all(response.body);
}

asio::awaitable<void> http_connection::respond_stream(const http_head& head, http_response response,
                                                      std::optional<std::uint64_t> length,
                                                      std::function<asio::awaitable<std::string>()> next) {
  if (answered_ || upgraded_) {
    spdlog::error("{}", msg::log_line("http_answered_twice").with("path", head.path).str());
    co_return;
  }
  auto framing = length ? body_framing::sized : body_framing::chunked;
  if (!carries_body(response.status)) {
    framing = body_framing::none;
  } else if (!length && parser_->get().version() < 11) {
    framing = body_framing::until_close;
    close_after_ = true;
  }
  if (framing == body_framing::none || head.method == http_method::head) {
    start_answer(out_, response, length.value_or(0), framing);
    co_await write_out();
    co_return;
  }
  std::uint64_t sent = 0;
  for (;;) {
    // The head leaves together with the first piece; should that one throw, a proper error can still be sent.
    const std::string piece = co_await next();
    if (!answered_)
      start_answer(out_, response, length.value_or(0), framing);
    if (length && sent + piece.size() > *length)
      break;
    sent += piece.size();
    if (framing == body_framing::chunked)
      append_chunk(out_, piece);
    else
      out_ += piece;
    if (!co_await write_out() || piece.empty())
      break;
  }
  if (length && sent != *length && !gone_) { // the client must see that this is not the whole
    spdlog::error("{}", msg::log_line("http_short_stream")
                            .with("path", head.path)
                            .with("sent", sent)
                            .with("announced", *length)
                            .str());
    abort();
  }
}

asio::awaitable<std::shared_ptr<websocket>> http_connection::upgrade(const http_head& head) {
  if (answered_ || upgraded_ || gone_ || !head.wants_websocket || watching_ || in_.size() > 0)
    co_return nullptr;
  upgraded_ = true;
  const auto& limits = shared_->limits();
  websocket_limits bounds;
  bounds.message = limits.websocket_message;
  bounds.queue = limits.websocket_queue;
  bounds.idle = limits.websocket_idle;
  bounds.close_time = limits.linger_time;
  bounds.handshake_time = limits.handshake_time;
  auto session = std::make_shared<websocket_session>(std::move(*stream_), context_, bounds);
  stream_.reset();
  shared_->sockets.push_back(session);
  if (!co_await session->accept(parser_->get())) {
    mark_gone();
    co_return nullptr;
  }
  co_return session;
}

} // namespace holdfast::net
