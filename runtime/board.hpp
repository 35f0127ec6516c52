// A value that one part of the process sets and others read or wait for, on the event loop. What is set at
// once is seen at once: unlike a message it cannot be overtaken by an answer that came later. Loop thread
// only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <utility>

namespace holdfast::runtime {

template <class T>
class board {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit board(T first = {}) : value_(std::move(first)) {}

  [[nodiscard]] const T& get() const { return value_; }
  /// Grows by one with every set().
  [[nodiscard]] std::uint64_t version() const { return version_; }

  /// Wakes everybody who waits.
  void set(T next) {
    value_ = std::move(next);
    ++version_;
    wake();
  }
  /// Wakes everybody without a new value, for instance because whoever waits is to end.
  void wake() {
    for (auto* timer : std::exchange(waiting_, {}))
      timer->cancel();
  }

  /// Returns when the version is another than `seen`, at `until`, or on wake(), whatever is first. The board
  /// outlives the wait: hold it by shared_ptr.
  boost::asio::awaitable<void> changed(std::uint64_t seen, time_point until) {
    if (version_ != seen)
      co_return;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, until);
    waiting_.insert(&timer);
    // However this coroutine ends, nobody wakes a timer that is gone.
    const std::shared_ptr<void> leave(nullptr, [this, &timer](void*) { waiting_.erase(&timer); });
    boost::system::error_code woken;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

private:
  T value_;
  std::uint64_t version_ = 0;
  std::unordered_set<boost::asio::steady_timer*> waiting_;
};

} // namespace holdfast::runtime
