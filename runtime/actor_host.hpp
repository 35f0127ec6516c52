// The actor system of one process, living on one io_context, and the order in which it may end:
//
//   actor_host host(io, sink);
//   std::thread loop([&] { host.bind_loop_thread(); io.run(); });
//   ... spawn actors; wait for a reason to end ...
//   const bool clean = host.end_actors(root, 5s);   // while the loop still runs, not on its thread
//   io.stop(); loop.join();
//   // destroy the host, on this thread; when not clean, leave the process without destroying it
#pragma once

#include "runtime/asio_scheduler.hpp"
#include "runtime/asker.hpp"

#include <boost/asio/io_context.hpp>
#include <caf/actor_system.hpp>

#include <chrono>
#include <memory>

namespace holdfast::runtime {

class actor_host {
public:
  actor_host(boost::asio::io_context& io, caf_text_sink sink);
  ~actor_host();
  actor_host(const actor_host&) = delete;
  actor_host& operator=(const actor_host&) = delete;

  [[nodiscard]] caf::actor_system& system() { return *system_; }
  [[nodiscard]] asker& ask() { return *asker_; }

  /// Call on the thread that runs the io_context, before it runs it.
  void bind_loop_thread();

  /// Asks `root` to shut down (it ends its children) and waits for every actor. False when some were still
  /// alive after `limit`: CAF's destructor would then wait for them for ever. Any thread but the loop's.
  [[nodiscard]] bool end_actors(const caf::actor& root, std::chrono::milliseconds limit);

private:
  loop_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<asker> asker_;
};

} // namespace holdfast::runtime
