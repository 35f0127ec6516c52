// The CAF scheduler module of this daemon: every event-based actor runs on the one thread that runs the
// io_context (architecture §2). A request from an HTTP coroutine to an actor and back then costs no thread
// hop.
//
// Rules that come with it:
// - an actor may not block: it would hold up every timer and every connection of the process;
// - `scheduler.max-throughput` must be finite (actor_host sets it), else an actor that keeps sending to
// itself
//   never yields;
// - the actor system must not be destroyed on the loop thread.
#pragma once

#include "runtime/asio_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <deque>
#include <functional>
#include <mutex>

namespace holdfast::runtime {

/// Takes the lines CAF itself writes: unexpected messages and exceptions nobody handled. Any thread.
using caf_text_sink = std::function<void(caf::actor_id who, const std::string& text)>;

/// The configuration the scheduler finds its event loop in. Never parse files or arguments into it: CAF would
/// read ./caf-application.ini.
struct loop_config : caf::actor_system_config {
  loop_config(boost::asio::io_context& loop, caf_text_sink text_sink);
  boost::asio::io_context& io;
  caf_text_sink sink;
};

class asio_scheduler final : public caf::scheduler::abstract_coordinator {
public:
  explicit asio_scheduler(caf::actor_system& system);

  /// CAF's module factory; see loop_config.
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);

  /// Call on the thread that runs the io_context, before it runs the loop.
  void bind_thread();

  /// The unit actors resume on; for code on the loop thread that enqueues messages by itself.
  caf::execution_unit* unit() { return &unit_; }

  asio_clock& clock() noexcept override { return clock_; }
  void enqueue(caf::resumable* job) override;

protected:
  void start() override;
  void stop() override;

private:
  struct loop_unit final : caf::execution_unit {
    explicit loop_unit(asio_scheduler* owner);
    void exec_later(caf::resumable* job) override;
    asio_scheduler* scheduler;
  };

  void schedule_drain();
  void take_remote();
  void drain();
  void run_one(caf::resumable* job);

  loop_unit unit_;
  boost::asio::io_context& io_;
  caf_text_sink sink_;
  asio_clock clock_;
  std::atomic<std::thread::id> loop_thread_{};
  std::deque<caf::resumable*> ready_; // loop thread only
  bool drain_scheduled_ = false;
  std::mutex remote_mutex_;
  std::deque<caf::resumable*> remote_; // jobs from other threads
};

} // namespace holdfast::runtime
