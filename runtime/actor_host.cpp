#include "runtime/actor_host.hpp"

#include <caf/actor_registry.hpp>
#include <caf/send.hpp>

#include <thread>

namespace holdfast::runtime {

actor_host::actor_host(boost::asio::io_context& io, caf_text_sink sink)
    : config_(io, std::move(sink)), system_(std::make_unique<caf::actor_system>(config_)),
      asker_(std::make_unique<asker>(*system_, io)) {
  system_->await_actors_before_shutdown(false); // end_actors() waits, with a limit
}

actor_host::~actor_host() {
  asker_.reset();
  system_.reset();
}

void actor_host::bind_loop_thread() {
  dynamic_cast<asio_scheduler&>(system_->scheduler()).bind_thread();
}

bool actor_host::end_actors(const caf::actor& root, std::chrono::milliseconds limit) {
  caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
  const auto deadline = std::chrono::steady_clock::now() + limit;
  // CAF can only wait without a limit, and this happens once in the life of a process: look now and then.
  while (system_->registry().running() > 0) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

} // namespace holdfast::runtime
