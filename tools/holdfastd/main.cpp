// holdfastd: the daemon. --help and --version touch nothing (CFG-18).
#include "actors/node/log_setup.hpp"
#include "actors/node/settings.hpp"
#include "daemon.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  using namespace holdfast;
  auto parsed = node::parse_settings(argc, argv, node::process_environment());
  if (!parsed.value) {
    std::fputs(parsed.output.c_str(), stdout);
    std::fputs(parsed.error.c_str(), stderr);
    return parsed.exit_code;
  }
  node::set_up_log(parsed.value->log_level);
  return daemon::run_daemon(*parsed.value, parsed.warnings);
}
