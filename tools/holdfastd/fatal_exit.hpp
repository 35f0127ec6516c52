// The end of the process when there is nothing left to decide: one line that says what, where and what to do,
// then the exit code. No destructor runs, nothing more is written and nobody is answered.
#pragma once

#include "messages/fatal.hpp"

namespace holdfast::daemon {

/// Never returns. Any thread.
[[noreturn]] void exit_fatally(const msg::fatal_report& report);

} // namespace holdfast::daemon
