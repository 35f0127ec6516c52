// The daemon's end of the guard on the event loop: takes over each worker the keeper makes, passes its words
// on, notices when it is gone or silent. Outlives restarts of the vip actor. Loop thread alone; nothing
// blocks.
#pragma once

#include "actors/vip/guard_keeper.hpp"
#include "actors/vip/guard_protocol.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::vip {

class guard_link : public std::enable_shared_from_this<guard_link> {
public:
  struct listener {
    std::function<void(to_daemon::message)> on_message;
    std::function<void(to_daemon::ready)> on_adopted; ///< the worker was ready before this listener came
    std::function<void(std::string why)> on_lost;     ///< the worker is gone; `ready` announces its heir
  };

  guard_link(boost::asio::any_io_executor executor, guard_handle handle);

  /// Replaces the listener.
  void listen(listener to);
  /// Begins to wait for workers. Once, before or on the loop.
  void start();
  /// Closes everything: keeper and worker take the address off and end.
  void close();

  /// False: there is no worker, or it does not read.
  bool send(const to_guard::message& m);
  /// Call about every 100 ms: asks the worker for a sign of life and has it replaced when it owes one for
  /// long.
  void check_alive(mono_ns now);

  [[nodiscard]] pid_t worker() const { return worker_.pid; }
  [[nodiscard]] pid_t keeper() const { return handle_ ? handle_->keeper() : -1; }
  [[nodiscard]] std::uint64_t workers_made() const { return made_; }

private:
  void wait_for_worker();
  void wait_for_words();
  void take_worker();
  void read_words();
  void lose(const std::string& why);

  boost::asio::any_io_executor executor_;
  std::optional<guard_handle> handle_;
  guard_handle::worker worker_;
  boost::asio::posix::stream_descriptor control_;
  boost::asio::posix::stream_descriptor words_;
  listener to_;
  std::optional<to_daemon::ready> ready_;
  std::uint64_t made_ = 0;
  std::uint64_t nonce_ = 0;
  std::uint64_t answered_ = 0;
  mono_ns asked_at_ = 0;
};

} // namespace holdfast::vip
