#include "actors/api/kept_exchange.hpp"

#include "actors/api/forward_rules.hpp"

#include <algorithm>
#include <cstring>

namespace holdfast::api {

using boost::asio::awaitable;

namespace {

constexpr std::size_t piece = std::size_t{16} * 1024;

} // namespace

awaitable<kept_exchange::body_state> kept_exchange::preload() {
  at_ = kept_.size();
  while (!ended_ && kept_.size() < keeps) {
    std::string room(std::min(piece, keeps - kept_.size()), '\0');
    const auto n = co_await read_some(std::as_writable_bytes(std::span(room)));
    if (!n)
      co_return body_state::lost;
  }
  // Exactly as much as is kept: only one more read tells whether that was all.
  at_ = 0;
  const auto length = head().content_length;
  ended_ = ended_ || (length && *length == kept_.size());
  co_return ended_ ? body_state::whole : body_state::longer;
}

awaitable<std::optional<std::size_t>> kept_exchange::read_some(std::span<std::byte> into) {
  if (at_ < kept_.size() && !into.empty()) {
    const auto n = std::min(into.size(), kept_.size() - at_);
    std::memcpy(into.data(), kept_.data() + at_, n);
    at_ += n;
    co_return n;
  }
  if (ended_ || into.empty())
    co_return 0;
  const auto n = co_await inner_->read_some(into);
  if (!n || *n == 0) {
    ended_ = n.has_value() && !spent_;
    co_return n;
  }
  if (!spent_ && kept_.size() + *n <= keeps) {
    kept_.append(reinterpret_cast<const char*>(into.data()), *n);
    at_ = kept_.size();
  } else {
    spent_ = true;
  }
  co_return n;
}

awaitable<std::optional<std::string>> kept_exchange::read_body(std::size_t limit) {
  if (kept_.empty() && !ended_ && !spent_) { // the usual case
    auto body = co_await inner_->read_body(limit);
    if (body && body->size() <= keeps) {
      kept_ = *body;
      at_ = kept_.size();
      ended_ = true;
    } else {
      spent_ = true;
    }
    co_return body;
  }
  std::string body;
  for (;;) {
    const auto have = body.size();
    body.resize(have + std::max(piece, have));
    const auto n = co_await read_some(std::as_writable_bytes(std::span(body)).subspan(have));
    body.resize(have + n.value_or(0));
    if (!n || body.size() > limit)
      co_return std::nullopt;
    if (*n == 0)
      co_return body;
  }
}

awaitable<void> kept_exchange::respond(net::http_response response) {
  if (!spent_ && says_not_done(response.status, response.headers)) {
    withheld_ = std::move(response);
    co_return;
  }
  co_await inner_->respond(std::move(response));
}

awaitable<void> kept_exchange::respond_stream(net::http_response head, std::optional<std::uint64_t> length,
                                              std::function<awaitable<std::string>()> next) {
  co_await inner_->respond_stream(std::move(head), length, std::move(next));
}

} // namespace holdfast::api
