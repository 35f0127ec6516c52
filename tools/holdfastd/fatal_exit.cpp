#include "fatal_exit.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace holdfast::daemon {

void exit_fatally(const msg::fatal_report& report) {
  const auto code = static_cast<int>(report.code);
  spdlog::critical("{}", msg::log_line("fatal")
                             .with("what", report.what)
                             .with("advice", report.advice)
                             .with("exit", code)
                             .str());
  spdlog::default_logger()->flush();
  std::_Exit(code);
}

} // namespace holdfast::daemon
