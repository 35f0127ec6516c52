// The one event loop of the process: an io_context, the signals that end it, and names for threads.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::net {

/// Time that only goes forward; every deadline in this room is one of these.
using steady_time = std::chrono::steady_clock::time_point;

class event_loop {
public:
  event_loop();
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  [[nodiscard]] boost::asio::io_context& context();

  /// Calls back on the loop thread for each of these signals, every time one arrives. Call before run().
  void on_signals(const std::vector<int>& numbers, std::function<void(int)> callback);

  /// Runs until stop(), also while there is nothing to do. An exception that escapes a handler is logged and
  /// the loop goes on. Blocks; the calling thread becomes the loop thread.
  void run();

  /// Ends run() after the handler in progress. Any thread.
  void stop();

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Names the calling thread for ps and top (at most 15 characters are kept).
void name_this_thread(const std::string& name);

} // namespace holdfast::net
