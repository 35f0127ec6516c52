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
  std::string action; ///< add or remove
  std::string text;   ///< "exit code 3: <output>", "ended after 10 s: …", "cannot be run: …"
};

class script_runner {
public:
  static constexpr mono_ns time_limit = 10'000'000'000;

  /// Starts the script. False, with the reason in `why`, when it cannot be started (missing, not executable).
  [[nodiscard]] bool start(mono_ns now, const std::string& script, const std::string& action,
                           const std::string& interface, const std::string& cidr, std::string& why);
  [[nodiscard]] bool running() const { return pid_ > 0; }
  /// Readable when there is output or the script ended; -1 while none runs.
  [[nodiscard]] int fd() const { return running() ? output_.get() : -1; }
  [[nodiscard]] mono_ns deadline() const { return deadline_; }
  /// Call when fd() is readable or the deadline passed; a result once the script is over.
  [[nodiscard]] std::optional<script_result> poll(mono_ns now);
  /// Blocks until the running script is over, at most its time limit. For the guard's last act.
  [[nodiscard]] script_result finish();

private:
  script_result collect(bool ended_by_us);
  unique_fd output_;
  pid_t pid_ = -1;
  mono_ns deadline_ = 0;
  std::string action_;
  std::string text_;
};

[[nodiscard]] mono_ns mono_now();

} // namespace holdfast::vip
