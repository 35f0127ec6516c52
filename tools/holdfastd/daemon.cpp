#include "daemon.hpp"

#include "fatal_exit.hpp"
#include "messages/log_line.hpp"
#include "prepare.hpp"
#include "service.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::daemon {

int run_daemon(const node::settings& settings, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  try {
    prepared with;
    if (const auto refused = prepare(settings, with))
      exit_fatally(*refused);
    service running(settings, with);
    running.serve();
  } catch (const std::exception& error) {
    exit_fatally(
        {msg::exit_code::failed, error.what(), "nothing was changed; start again once the cause is gone"});
  }
  return static_cast<int>(msg::exit_code::clean);
}

} // namespace holdfast::daemon
