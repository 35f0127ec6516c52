// For tests: actors on CAF's deterministic scheduler with a clock that stands still until told. Nothing runs
// until settle() or advance() is called, on the calling thread, so a test sees every state in between.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <optional>

namespace holdfast::runtime {

class test_world {
public:
  test_world() : system_(configure(config_)) { system_.await_actors_before_shutdown(false); }
  ~test_world() {
    scheduler().clock().cancel_all();
    settle();
  }
  test_world(const test_world&) = delete;
  test_world& operator=(const test_world&) = delete;

  [[nodiscard]] caf::actor_system& system() { return system_; }

  /// Runs whatever is runnable until nothing is.
  void settle() {
    while (scheduler().has_job())
      scheduler().run_once();
  }

  /// Runs a single mailbox turn. False when there was nothing to run.
  bool step() { return scheduler().try_run_once(); }

  /// Moves the clock in steps from one due timer to the next, settling in between.
  void advance(std::chrono::milliseconds span) {
    auto& clock = scheduler().clock();
    const auto end = clock.now() + span;
    settle();
    while (clock.has_pending_timeout() && clock.schedule().begin()->first <= end) {
      const auto due = clock.schedule().begin()->first;
      if (due > clock.current_time)
        clock.current_time = due;
      clock.trigger_expired_timeouts();
      settle();
    }
    clock.current_time = end;
  }

  /// Asks and settles. Nothing when there is no answer yet, or an error was answered.
  template <class T, class Handle, class... Ts>
  std::optional<T> ask(const Handle& actor, Ts... xs) {
    auto reply = begin<T>(actor, std::move(xs)...);
    settle();
    return *reply;
  }

  /// Asks and returns at once the place the answer will appear in.
  template <class T, class Handle, class... Ts>
  std::shared_ptr<std::optional<T>> begin(const Handle& actor, Ts... xs) {
    auto place = std::make_shared<std::optional<T>>();
    system_.spawn([=](caf::event_based_actor* self) {
      self->request(actor, caf::infinite, xs...)
          .then([place](const T& answer) { *place = answer; }, [](const caf::error&) {});
    });
    return place;
  }

private:
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
};

} // namespace holdfast::runtime
