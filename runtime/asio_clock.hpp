// CAF's actor clock on one Asio timer. Timeouts and delayed messages of all actors share a single
// steady_timer of the event loop, so an idle process wakes for nobody and no second thread keeps time.
//
// Calls may come from any thread (an actor may be cleaned up on a detached thread); whatever arrives off the
// loop thread is posted to it. Before the loop runs and after it ended, call on the thread that was bound
// last.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/detail/simple_actor_clock.hpp>

#include <atomic>
#include <thread>

namespace holdfast::runtime {

class asio_clock final : public caf::detail::simple_actor_clock {
public:
  explicit asio_clock(boost::asio::io_context& io);

  /// Names the thread that runs the io_context. Call on that thread, before it runs the loop.
  void bind_thread();

  void set_ordinary_timeout(time_point due, caf::abstract_actor* who, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point due, caf::abstract_actor* who, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point due, caf::abstract_actor* who, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* who, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* who, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* who) override;
  void schedule_message(time_point due, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

private:
  using base = caf::detail::simple_actor_clock;

  template <class Action>
  void on_loop(Action action);
  void arm();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::atomic<std::thread::id> loop_thread_{};
  bool armed_ = false;
  time_point armed_for_{};
};

} // namespace holdfast::runtime
