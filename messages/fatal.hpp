// The ends of the process that are decided deep inside: a disk that cannot be trusted any more, a log this
// program cannot replay. There is nothing to retry and nobody to ask; the restart reads what is really there.
#pragma once

#include <functional>
#include <string>

namespace holdfast::msg {

/// Exit codes of holdfastd. 0 is an orderly end; 64 and above are those of sysexits where one fits.
enum class exit_code : int {
  clean = 0,
  failed = 1,         ///< start-up failed for a reason the log line names
  usage = 64,         ///< wrong options
  crashed = 70,       ///< a defect of this program
  state_damaged = 71, ///< settings, identity or log are damaged beyond what this node may repair by itself
  log_io = 74,        ///< a write or sync of the log failed
  disk_full = 75,     ///< no room for the log for too long
  locked = 73,        ///< another process runs on this base root
  unhealthy = 76,     ///< a critical actor failed for good
};

struct fatal_report {
  exit_code code = exit_code::crashed;
  std::string what;   ///< what happened, with the file or the entry
  std::string advice; ///< what the operator should do
};

/// Ends the process; in the daemon it does not return. Any thread. A caller that gets control back (in a
/// test) must do nothing more, above all answer nobody.
using fatal_handler = std::function<void(const fatal_report&)>;

} // namespace holdfast::msg
