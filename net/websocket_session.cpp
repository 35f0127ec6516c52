#include "net/websocket_session.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>

namespace holdfast::net {

namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ws = boost::beast::websocket;
using asio::redirect_error;
using asio::use_awaitable;

struct websocket_session::impl {
  impl(tls_stream&& stream, tls_context_ptr ctx, const websocket_limits& bounds)
      : context(std::move(ctx)), limits(bounds), socket(std::move(stream)), force(socket.get_executor()) {
    ws::stream_base::timeout times{};
    times.handshake_timeout = bounds.handshake_time;
    times.idle_timeout = bounds.idle;
    times.keep_alive_pings = true;
    socket.set_option(times);
    socket.read_message_max(bounds.message);
    socket.text(true);
  }

  tls_context_ptr context; ///< first member: freed after the stream
  websocket_limits limits;
  ws::stream<tls_stream> socket;
  asio::steady_timer force; ///< ends a close that takes too long
  beast::flat_buffer in;
  std::deque<std::string> queue;
  std::size_t queued = 0;
  ws::close_reason goodbye{ws::close_code::normal};
  websocket_goodbye heard; ///< the peer's
  bool writing = false;
  bool closing = false;
  bool dead = false;
};

websocket_session::websocket_session(tls_stream&& stream, tls_context_ptr context,
                                     const websocket_limits& limits)
    : impl_(std::make_unique<impl>(std::move(stream), std::move(context), limits)) {
  // Heard before Beast waits for the peer to close the connection, which it may put off for long.
  impl_->socket.control_callback([this](ws::frame_type kind, beast::string_view) {
    if (kind == ws::frame_type::close)
      hear_goodbye();
  });
}

websocket_session::~websocket_session() {
  abort();
}

void websocket_session::abort() {
  impl_->dead = true;
  impl_->force.cancel();
  error_code ec;
  beast::get_lowest_layer(impl_->socket).close(ec);
}

asio::awaitable<bool> websocket_session::accept(const http::request<http::buffer_body>& request) {
  error_code ec;
  co_await impl_->socket.async_accept(request, redirect_error(use_awaitable, ec));
  if (ec)
    abort();
  co_return !ec;
}

asio::awaitable<websocket_session::handshake_result>
websocket_session::ask(const std::string& host, const std::string& target,
                       const std::vector<std::pair<std::string, std::string>>& headers) {
  handshake_result result;
  impl_->socket.set_option(ws::stream_base::decorator([headers](ws::request_type& request) {
    for (const auto& [name, value] : headers)
      request.set(name, value);
  }));
  ws::response_type answer;
  error_code ec;
  co_await impl_->socket.async_handshake(answer, host, target, redirect_error(use_awaitable, ec));
  result.done = !ec;
  if (ec == ws::error::upgrade_declined) {
    result.status = answer.result_int();
    result.body = answer.body();
  } else if (ec) {
    result.why = ec.message();
  }
  if (ec)
    abort();
  co_return result;
}

asio::awaitable<std::optional<std::string>> websocket_session::receive() {
  const auto self = shared_from_this();
  if (impl_->dead)
    co_return std::nullopt;
  error_code ec;
  impl_->in.clear();
  co_await impl_->socket.async_read(impl_->in, redirect_error(use_awaitable, ec));
  if (!ec && !impl_->socket.got_text()) {
    close_with(ws::close_code::unknown_data, "text frames only");
    co_return std::nullopt;
  }
  if (ec) {
    abort();
    co_return std::nullopt;
  }
  const auto bytes = impl_->in.cdata();
  co_return std::string(static_cast<const char*>(bytes.data()), bytes.size());
}

bool websocket_session::send(std::string text) {
  if (impl_->dead || impl_->closing || impl_->queued + text.size() > impl_->limits.queue)
    return false;
  impl_->queued += text.size();
  impl_->queue.push_back(std::move(text));
  pump();
  return true;
}

void websocket_session::pump() {
  if (impl_->writing || impl_->dead)
    return;
  if (impl_->queue.empty()) {
    if (impl_->closing)
      say_goodbye();
    return;
  }
  impl_->writing = true;
  impl_->socket.async_write(asio::buffer(impl_->queue.front()),
                            [self = shared_from_this()](error_code ec, std::size_t) {
                              auto& me = *self->impl_;
                              me.writing = false;
                              me.queued -= me.queue.front().size();
                              me.queue.pop_front();
                              if (ec)
                                self->abort();
                              else
                                self->pump();
                            });
}

void websocket_session::close(std::string_view why) {
  close_with(ws::close_code::normal, why);
}

websocket_goodbye websocket_session::goodbye() const {
  return impl_->heard;
}

void websocket_session::close_with(std::uint16_t code, std::string_view why) {
  if (impl_->dead || impl_->closing)
    return;
  impl_->closing = true;
  why = why.substr(0, 120); // RFC 6455 §5.5: a control frame carries at most 125 bytes
  impl_->goodbye = {static_cast<ws::close_code>(code), beast::string_view(why.data(), why.size())};
  end_soon();
  pump();
}

void websocket_session::end_soon() {
  impl_->force.expires_after(impl_->limits.close_time);
  impl_->force.async_wait([weak = weak_from_this()](error_code ec) {
    if (const auto self = weak.lock(); self && !ec)
      self->abort();
  });
}

void websocket_session::hear_goodbye() {
  const auto& said = impl_->socket.reason();
  constexpr std::uint16_t no_status = 1005; // RFC 6455 §7.1.5
  impl_->heard = {said.code == 0 ? no_status : static_cast<std::uint16_t>(said.code),
                  std::string(said.reason.data(), said.reason.size())};
  if (!impl_->closing)
    end_soon();
}

/// From pump() alone: a second close frame while the first is on its way is a fault that Beast asserts
/// against.
void websocket_session::say_goodbye() {
  impl_->socket.async_close(impl_->goodbye, [self = shared_from_this()](error_code) { self->abort(); });
}

} // namespace holdfast::net
