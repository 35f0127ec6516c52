// holdfastd: the daemon. --help and --version touch nothing (CFG-18).
#include "actors/node/log_setup.hpp"
#include "actors/node/settings.hpp"
#include "actors/vip/guard_keeper.hpp"
#include "daemon.hpp"
#include "heap_setup.hpp"

#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

int main(int argc, char** argv) {
  using namespace holdfast;
  auto parsed = node::parse_settings(argc, argv, node::process_environment());
  if (!parsed.value) {
    std::fputs(parsed.output.c_str(), stdout);
    std::fputs(parsed.error.c_str(), stderr);
    return parsed.exit_code;
  }
  daemon::keep_small_blocks_at_hand(argv);
  // Before any thread, and before anything is open that a child could hold on to.
  std::optional<vip::guard_handle> guard;
  try {
    guard.emplace(vip::start_guard());
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "the guard of the virtual address cannot be started: %s\n", error.what());
    return 1;
  }
  node::set_up_log(parsed.value->log_level);
  return daemon::run_daemon(*parsed.value, parsed.warnings, std::move(*guard));
}
