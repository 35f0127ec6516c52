#include "net/peer_session.hpp"

#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace holdfast::net {

using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr std::size_t first_buffer = 16 * 1024;
constexpr std::size_t kept_frame_buffer = 256 * 1024; ///< capacity kept after a large frame

} // namespace

peer_session::peer_session(std::shared_ptr<peer_network::state> net, tcp::socket socket,
                           std::optional<net_address> dialled)
    : net_(std::move(net)), context_(net_->context), stream_(std::move(socket), *context_),
      timer_(net_->executor), dialled_(dialled.has_value()), in_(first_buffer) {
  error_code ec;
  if (dialled)
    remote_ = *std::move(dialled);
  else if (const auto end = stream_.next_layer().remote_endpoint(ec); !ec)
    remote_ = from_endpoint(end);
  if (!dialled_)
    ++net_->incoming;
  tune_socket(stream_.next_layer(), net_->settings.limits);
}

peer_session::~peer_session() {
  if (!dialled_)
    --net_->incoming;
}

void peer_session::cut() {
  cut_ = true;
  error_code ec;
  stream_.next_layer().close(ec);
  timer_.cancel();
}

void peer_session::guard(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this()](const error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self)
      return;
    self->late_ = true;
    self->cut();
  });
}

asio::awaitable<bool> peer_session::handshake(tls_stream::handshake_type role, verify_note& note,
                                              outcome& result) {
  error_code ec;
  co_await stream_.async_handshake(role, redirect_error(use_awaitable, ec));
  if (ec) {
    result.trouble = late_ ? dial_trouble::timeout : dial_trouble::tls;
    result.why = late_ ? "no TLS handshake in time" : explain_handshake(ec.message(), note);
    co_return false;
  }
  auto proven = prove_peer(stream_.native_handle(), remote_.ip, result.why);
  if (!proven)
    co_return false;
  proven_ = std::move(*proven);
  co_return true;
}

asio::awaitable<bool> peer_session::write_now(std::string bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    error_code ec;
    const auto n = co_await stream_.async_write_some(asio::buffer(left.data(), left.size()),
                                                     redirect_error(use_awaitable, ec));
    if (ec)
      co_return false;
    left.remove_prefix(n);
  }
  co_return true;
}

/// Reads until one whole frame stands at begin_.
asio::awaitable<bool> peer_session::read_frame(std::size_t max_body, std::string& why) {
  for (;;) {
    const auto found = decode_frame({in_.data() + begin_, end_ - begin_}, max_body);
    if (found.status == frame_status::whole)
      co_return true;
    if (found.status != frame_status::need_more) {
      why = "what the other side sent is no hello";
      co_return false;
    }
    error_code ec;
    const auto n = co_await stream_.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_),
                                                    redirect_error(use_awaitable, ec));
    end_ += n;
    if (ec) {
      why = late_ ? "no hello in time" : ec.message();
      co_return false;
    }
  }
}

/// Lets the other side read our last words: closing at once, with its bytes unread, would reset the
/// connection and could take them away.
asio::awaitable<void> peer_session::linger() {
  error_code ec;
  auto& socket = stream_.next_layer();
  guard(std::chrono::milliseconds{500});
  socket.shutdown(tcp::socket::shutdown_send, ec);
  ec = {};
  while (!ec)
    co_await socket.async_read_some(asio::buffer(in_), redirect_error(use_awaitable, ec));
  cut();
}

asio::awaitable<peer_session::outcome> peer_session::greet(std::string peer, link_purpose purpose) {
  outcome result;
  peer_id_ = std::move(peer);
  purpose_ = purpose;
  guard(net_->settings.limits.handshake_time);
  verify_note note(stream_.native_handle());
  const bool secure = co_await handshake(tls_stream::client, note, result);
  if (!secure) {
    // The listener is told by our alert; it needs no more time than that.
    cut();
    co_return result;
  }
  std::string out;
  append_frame(out, frame_hello, 0, encode(net_->own_hello(purpose, peer_id_)));
  const bool said = co_await write_now(std::move(out));
  const bool heard = co_await read_frame(max_hello_bytes, result.why);
  if (!said || !heard) {
    // In TLS 1.3 the listener's verdict on our certificate arrives here, as an alert.
    const bool alert = result.why.find("alert") != std::string::npos;
    result.trouble = late_ ? dial_trouble::timeout : alert ? dial_trouble::tls : dial_trouble::hello;
    if (alert)
      result.why = explain_handshake(result.why, note);
    cut();
    co_return result;
  }
  result.trouble = dial_trouble::hello;
  const auto found = decode_frame({in_.data() + begin_, end_ - begin_}, max_hello_bytes);
  const auto answer =
      found.frame.type == frame_hello_answer ? decode_hello_answer(found.frame.body) : std::nullopt;
  begin_ += found.consumed;
  if (!answer)
    result.why = "the other side's answer to our hello is malformed";
  else if (answer->verdict != hello_verdict::welcome)
    result.why = std::string(to_string(answer->verdict)) + ": " + answer->reason;
  else if (answer->cluster_id != net_->settings.cluster_id || answer->sender != peer_id_ ||
           proven_.certificate.node_id != peer_id_)
    result.why = "the other side is node " + proven_.certificate.node_id + ", not " + peer_id_;
  else if (answer->protocol < net_->settings.oldest_protocol || answer->protocol > net_->settings.protocol)
    result.why = "the other side picked a peer protocol that this node does not speak";
  else if (const auto no = net_->objection(peer_id_, purpose_))
    result.why = *no;
  result.up = result.why.empty() && !cut_;
  if (!result.up) {
    cut();
    co_return result;
  }
  protocol_ = answer->protocol;
  timer_.cancel();
  co_return result;
}

asio::awaitable<peer_session::outcome> peer_session::welcome() {
  outcome result;
  guard(net_->settings.limits.handshake_time);
  verify_note note(stream_.native_handle());
  const bool secure = co_await handshake(tls_stream::server, note, result);
  if (!secure) {
    if (!late_)
      co_await linger();
    cut();
    co_return result;
  }
  result.trouble = dial_trouble::hello;
  const bool heard = co_await read_frame(max_hello_bytes, result.why);
  if (!heard) {
    cut();
    co_return result;
  }
  const auto found = decode_frame({in_.data() + begin_, end_ - begin_}, max_hello_bytes);
  const auto hello = found.frame.type == frame_hello ? decode_hello(found.frame.body) : std::nullopt;
  begin_ += found.consumed;
  hello_answer answer;
  answer.verdict = hello_verdict::malformed;
  if (hello) {
    answer = judge_hello(net_->own_hello(hello->purpose, hello->sender), *hello, proven_.certificate.node_id);
    if (answer.verdict == hello_verdict::welcome)
      if (const auto no = net_->objection(hello->sender, hello->purpose)) {
        answer.verdict = hello_verdict::not_admitted;
        answer.reason = *no;
      }
    peer_id_ = hello->sender;
    purpose_ = hello->purpose;
    protocol_ = answer.protocol;
  }
  std::string out;
  append_frame(out, frame_hello_answer, 0, encode(answer));
  const bool said = co_await write_now(std::move(out));
  result.up = said && answer.verdict == hello_verdict::welcome && !cut_;
  if (!result.up) {
    result.why = std::string(to_string(answer.verdict)) + ": " + answer.reason;
    co_await linger();
    co_return result;
  }
  timer_.cancel();
  co_return result;
}

msg::log_line peer_session::describe(std::string_view event) const {
  msg::log_line line(event);
  line.with("peer", peer_id_).with("purpose", to_string(purpose_)).with("remote", remote_.text());
  return line;
}

asio::awaitable<void> peer_session::run() {
  const auto self = shared_from_this();
  if (net_->dead() || cut_)
    co_return;
  up_ = true;
  ++net_->stats.links;
  const auto since = std::chrono::steady_clock::now();
  const auto subject = trouble_subject(peer_id_, purpose_);
  if (net_->quiet.allow("up " + subject, since)) // a flapping link must not flood the log either
    spdlog::info("{}", describe("peer_link_up").with("dialled", dialled_).str());
  net_->observer->on_link_up(self);
  co_await read_loop();
  cut();
  up_ = false;
  --net_->stats.links;
  if (net_->dead())
    co_return;
  if (std::chrono::steady_clock::now() - since >= settled_life) {
    net_->quiet.forget("up " + subject);
    net_->quiet.forget(subject);
  }
  net_->log_trouble(subject, describe("peer_link_down").with("reason", end_reason_));
  net_->observer->on_link_down(*this, end_reason_);
}

asio::awaitable<void> peer_session::read_loop() {
  while (!cut_ && !net_->dead()) {
    if (paused_) {
      error_code ignored;
      timer_.expires_at(asio::steady_timer::time_point::max());
      co_await timer_.async_wait(redirect_error(use_awaitable, ignored));
      continue;
    }
    if (!deliver())
      co_return;
    if (paused_ || cut_)
      continue;
    const auto found = decode_frame({in_.data() + begin_, end_ - begin_}, net_->settings.limits.max_frame);
    const bool more = co_await read_more(found.wanted);
    if (!more)
      co_return;
  }
}

/// Hands over every whole frame that is there. False when the link must end.
bool peer_session::deliver() {
  while (!paused_ && !cut_ && !net_->dead()) {
    const auto found = decode_frame({in_.data() + begin_, end_ - begin_}, net_->settings.limits.max_frame);
    if (found.status == frame_status::need_more)
      return true;
    if (found.status != frame_status::whole) {
      end_reason_ = found.status == frame_status::too_long ? "a frame above the limit" : "a malformed frame";
      return false;
    }
    begin_ += found.consumed;
    if (!hand_over(found.frame))
      return false;
  }
  return true;
}

bool peer_session::hand_over(const peer_frame& frame) {
  ++net_->stats.frames_in;
  if (frame.type < frame_first_user_type) {
    end_reason_ = "a second hello";
    return false;
  }
  try {
    net_->observer->on_frame(*this, frame);
    return true;
  } catch (const std::exception& error) {
    end_reason_ = std::string("a frame could not be handled: ") + error.what();
    return false;
  }
}

/// Reads once, making room for `wanted` bytes in all. The buffer doubles with what has arrived, so an
/// announced length alone costs no memory.
asio::awaitable<bool> peer_session::read_more(std::size_t wanted) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (in_.size() > kept_frame_buffer && wanted <= kept_frame_buffer) {
      in_.resize(first_buffer);
      in_.shrink_to_fit();
    }
  } else if (begin_ > 0 && in_.size() - end_ < first_buffer / 2) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == in_.size())
    in_.resize(std::max(in_.size() + first_buffer, std::min(in_.size() * 2, wanted + first_buffer)));
  error_code ec;
  const auto n = co_await stream_.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_),
                                                  redirect_error(use_awaitable, ec));
  end_ += n;
  net_->stats.bytes_in += n;
  if (ec && end_reason_.empty())
    end_reason_ = ec == asio::error::eof || ec == asio::ssl::error::stream_truncated
                      ? "the other side closed the link"
                      : ec.message();
  co_return !ec;
}

bool peer_session::send(std::uint8_t type, std::uint8_t flags, std::string_view body) {
  const auto& limits = net_->settings.limits;
  if (!up_ || cut_ || net_->dead() || type < frame_first_user_type || body.size() > limits.max_frame)
    return false;
  const auto now = queued();
  if (now + body.size() + frame_header_bytes > limits.send_queue && now > 0) {
    ++net_->stats.frames_dropped;
    above_low_water_ = true;
    return false;
  }
  append_frame(queue_, type, flags, body);
  ++net_->stats.frames_out;
  above_low_water_ = above_low_water_ || queued() >= limits.low_water;
  flush();
  return true;
}

/// The first frame leaves at once; whatever is queued while it is on its way leaves in the next write.
void peer_session::flush() {
  if (busy_ || cut_)
    return;
  if (written_ == writing_.size()) {
    if (queue_.empty())
      return;
    writing_.clear();
    written_ = 0;
    std::swap(writing_, queue_);
    if (queue_.capacity() > kept_frame_buffer)
      queue_ = {};
  }
  busy_ = true;
  ++net_->stats.writes;
  stream_.async_write_some(
      asio::buffer(writing_.data() + written_, writing_.size() - written_),
      [self = shared_from_this()](const error_code& ec, std::size_t n) { self->on_written(ec, n); });
}

void peer_session::on_written(const error_code& ec, std::size_t n) {
  busy_ = false;
  written_ += n;
  net_->stats.bytes_out += n;
  if (ec) {
    close(ec.message());
    return;
  }
  flush();
  if (above_low_water_ && queued() < net_->settings.limits.low_water) {
    above_low_water_ = false;
    if (drained_ && !net_->dead())
      drained_();
  }
}

void peer_session::resume() {
  if (!paused_)
    return;
  paused_ = false;
  timer_.cancel();
}

void peer_session::close(std::string_view reason) {
  if (cut_)
    return;
  if (end_reason_.empty())
    end_reason_ = reason;
  cut();
}

} // namespace holdfast::net
