// Runs the operator's script: `SCRIPT add|remove INTERFACE ADDRESS` (VIP-08..11). No shell, so nothing in the
// words is expanded; a time limit; output kept for the log, bounded. One at a time; one thread, the guard's.
#pragma once

#include "actors/vip/guard_rules.hpp"
#include "actors/vip/packet_socket.hpp"

#include <optional>
#include <string>
#include <sys/types.h>

namespace holdfast::vip {

struct script_result {
  bool ok = false;
  bool cancelled = false; ///< by stop()
  std::string action;     ///< add or remove
  std::string text;       ///< "exit code 3: <output>", "ended after 10 s: …", "cannot be run: …"
};

class script_runner {
public:
  static constexpr mono_ns time_limit = 10'000'000'000;

  /// Starts the script. False, with the reason in `why`, when it cannot be started (missing, not executable).
  [[nodiscard]] bool start(mono_ns now, const std::string& script, const std::string& action,
                           const std::string& interface, const std::string& cidr, std::string& why);
  /// Kills the running script and all it started in its process group. It runs until poll() says that these
  /// are gone: what they were just asking of the kernel is done or not by then, and nothing follows.
  void stop(mono_ns now);
  /// The same for the group of a script that another process left running.
  void stop_group(mono_ns now, pid_t group);
  [[nodiscard]] bool running() const { return pid_ > 0; }
  /// By stop(), not for its time limit.
  [[nodiscard]] bool cancelled() const { return stopped_ && !timed_out_; }
  [[nodiscard]] pid_t group() const { return pid_; }
  /// add or remove; empty for another process's script.
  [[nodiscard]] const std::string& action() const { return action_; }
  /// Readable when there is output or the script ended; -1 while none runs or nothing more can be read.
  [[nodiscard]] int fd() const { return running() && !stopped_ ? output_.get() : -1; }
  /// When to call poll() at the latest, whatever fd() does.
  [[nodiscard]] mono_ns wake_at(mono_ns now) const;
  [[nodiscard]] mono_ns deadline() const { return deadline_; }
  /// Call when fd() is readable or at wake_at(); a result once the script is over.
  [[nodiscard]] std::optional<script_result> poll(mono_ns now);

private:
  void read_output();
  [[nodiscard]] bool leader_ended() const;
  [[nodiscard]] bool group_gone() const;
  script_result collect();
  script_result give_up(bool gone);
  unique_fd output_;
  pid_t pid_ = -1;
  bool stopped_ = false;
  bool timed_out_ = false;
  mono_ns deadline_ = 0;
  std::string action_;
  std::string text_;
};

[[nodiscard]] mono_ns mono_now();

} // namespace holdfast::vip
