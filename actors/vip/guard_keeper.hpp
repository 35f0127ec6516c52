// The guard's other half: a process that does nothing but keep one worker alive and fork the next. It is
// forked by the daemon before any thread starts, keeps CAP_NET_ADMIN and CAP_NET_RAW alone, and so can make a
// new worker after the daemon itself has given these up (architecture §7).
//
//   daemon ── control pair ── keeper ── fork ── worker
//      └────────── seqpacket pair (made by the keeper, the daemon's end sent over) ──────┘
//
// A worker that ends, or that holds the address and was silent for 300 ms or is past its deadline (stopped,
// hung), is killed and replaced; the new one first takes the address off. When the daemon is gone the keeper
// waits for the worker to finish, replaces it once if it is stuck, and ends.
#pragma once

#include "actors/vip/packet_socket.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace holdfast::vip {

/// The daemon's view of the guard. All calls on the thread of the event loop; none blocks.
class guard_handle {
public:
  guard_handle(unique_fd control, pid_t keeper);
  guard_handle(guard_handle&&) = default;
  guard_handle& operator=(guard_handle&&) = default;
  /// Closing the control pair makes the keeper and its worker take the address off and end.
  ~guard_handle() = default;

  [[nodiscard]] int control_fd() const { return control_.get(); }
  [[nodiscard]] pid_t keeper() const { return keeper_; }
  struct worker {
    unique_fd channel;
    pid_t pid = -1;
  };
  /// A new worker, if the keeper has made one. `gone`: the keeper itself is dead; there will be no more.
  [[nodiscard]] std::optional<worker> next_worker(bool& gone);
  /// Asks the keeper to kill the worker and make another.
  void replace_worker();

private:
  unique_fd control_;
  pid_t keeper_ = -1;
};

/// Forks the keeper. Call in main before any thread exists. Throws std::system_error.
[[nodiscard]] guard_handle start_guard();

/// What this process (the daemon) may still do afterwards: nothing. Drops every capability, and with `user`
/// becomes that user first. Returns what went wrong, empty on success.
[[nodiscard]] std::string drop_privileges(const std::string& user);

} // namespace holdfast::vip
