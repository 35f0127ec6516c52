#include "net/event_loop.hpp"

#include "messages/log_line.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include <pthread.h>

namespace holdfast::net {

namespace asio = boost::asio;

struct event_loop::state {
  asio::io_context io{1};
  asio::signal_set signals{io};
  std::function<void(int)> on_signal;

  void wait() {
    signals.async_wait([this](const boost::system::error_code& ec, int number) {
      if (ec)
        return;
      on_signal(number);
      wait();
    });
  }
};

event_loop::event_loop() : state_(std::make_unique<state>()) {}
event_loop::~event_loop() = default;

asio::io_context& event_loop::context() {
  return state_->io;
}

void event_loop::on_signals(const std::vector<int>& numbers, std::function<void(int)> callback) {
  for (const int number : numbers)
    state_->signals.add(number);
  state_->on_signal = std::move(callback);
  state_->wait();
}

void event_loop::run() {
  const auto work = asio::make_work_guard(state_->io);
  for (;;) {
    try {
      state_->io.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("{}", msg::log_line("loop_exception").with("text", error.what()).str());
    }
  }
}

void event_loop::stop() {
  state_->io.stop();
}

void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

} // namespace holdfast::net
