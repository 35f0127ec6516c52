// A running actor host for tests: the loop on its own thread, everything ended in the right order.
#pragma once

#include "runtime/actor_host.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>

#include <stdexcept>
#include <thread>

namespace holdfast::runtime {

class loop_fixture {
public:
  loop_fixture() : host(io, {}), work_(io.get_executor()) {
    loop_ = std::thread([this] {
      host.bind_loop_thread();
      io.run();
    });
  }
  ~loop_fixture() {
    io.stop();
    loop_.join();
  }

  /// Runs a coroutine on the loop and waits for its result.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine) {
    auto future = boost::asio::co_spawn(io, std::move(coroutine), boost::asio::use_future);
    if (future.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
      throw std::runtime_error("the coroutine did not end");
    }
    return future.get();
  }

  /// Waits until the condition holds; false after ten seconds.
  static bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  }

  boost::asio::io_context io{1};
  actor_host host;

private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread loop_;
};

} // namespace holdfast::runtime
