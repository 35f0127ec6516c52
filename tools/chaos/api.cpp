#include "tools/chaos/api.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdfast::chaos {

namespace {

/// rocketskates and the password a fresh node has.
constexpr const char* authorization = "Basic cm9ja2V0c2thdGVzOnIwY2tldHNrOHRz";
constexpr std::size_t most_body = std::size_t{256} << 20;

net::http_client_options pool_options() {
  net::http_client_options out;
  out.connect_time = std::chrono::milliseconds{2000};
  out.idle_per_host = 300;
  return out;
}

} // namespace

std::string api_answer::text() const {
  constexpr std::size_t shown = 300;
  return seen.answered ? std::to_string(seen.status) + " " + body.substr(0, shown) : trouble;
}

api::api(asio::any_io_executor executor) : client_(std::move(executor), pool_options()) {}

asio::awaitable<api_answer> api::call(place_of_api where, api_call what) {
  net::http_url url;
  url.host = where.address;
  url.port = where.port;
  url.target = what.target;
  net::client_request request;
  request.method = what.method;
  request.target = what.target;
  request.headers.emplace_back("Authorization", authorization);
  request.headers.emplace_back("Content-Type", "application/json");
  if (!what.idempotency_key.empty())
    request.headers.emplace_back("Idempotency-Key", what.idempotency_key);
  request.body = what.body;
  auto got = co_await client_.send(url, std::move(request), what.time, most_body);
  api_answer out;
  out.seen.answered = !got.failure;
  out.seen.sent = got.failure.sent;
  out.seen.status = got.status;
  out.answered_by = std::string(got.header("x-holdfast-answered-by"));
  out.body = std::move(got.body);
  out.trouble = got.failure.message;
  co_return out;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

asio::awaitable<void> sleep_for(std::chrono::nanoseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace holdfast::chaos
