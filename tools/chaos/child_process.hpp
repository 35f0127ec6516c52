// Programs the runner starts: daemons it keeps, and short commands it waits for. Linux; main thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace holdfast::chaos {

struct launch {
  std::vector<std::string> command;
  std::vector<std::string> environment; ///< NAME=value, added to the runner's own
  std::string output;                   ///< file that gets stdout and stderr, appended; empty: /dev/null
  int network = -1;                     ///< descriptor of the network namespace to run in; -1: the runner's
};

/// A child that dies with its owner and with the runner (PR_SET_PDEATHSIG).
class child_process {
public:
  child_process() = default;
  ~child_process();
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;

  /// Throws std::runtime_error when it cannot be started.
  void start(const launch& what);
  [[nodiscard]] bool running(); ///< collects it when it ended
  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// By SIGSTOP.
  [[nodiscard]] bool stopped() const;
  void kill_and_wait();
  /// What waitpid said when it ended.
  [[nodiscard]] std::optional<int> status() const { return status_; }

private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct command_result {
  int status = -1; ///< exit code; 127: not found
  std::string output;
};
/// Runs a short command to its end; stdout and stderr together.
[[nodiscard]] command_result run_command(const std::vector<std::string>& command, int network = -1);
/// Same, and throws std::runtime_error with its output when it fails.
void must_run(const std::vector<std::string>& command, int network = -1);
[[nodiscard]] bool program_exists(const std::string& name);

} // namespace holdfast::chaos
