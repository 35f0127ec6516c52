#include "tools/chaos/vip_faults.hpp"

namespace holdfast::chaos {

namespace {

using namespace std::chrono_literals;

/// `ip addr VERB ADDRESS/32 dev c0`; no part of a coroutine, whose frames g++ 12 builds wrongly around lists.
command_result change_address(cluster& on, const char* verb, int space) {
  return run_command({"ip", "addr", verb, on.virtual_address() + "/32", "dev", "c0"}, space);
}

std::vector<std::string> announcement(const std::string& address) {
  return {"arping", "-c", "2", "-U", "-I", "c0", address};
}

/// Waits for a program without holding the loop up.
asio::awaitable<std::string> run_beside(launch what) {
  child_process program;
  program.start(what);
  while (program.running())
    co_await sleep_for(5ms);
  co_return program.status() == 0 ? "" : what.command.front() + " failed";
}

} // namespace

asio::awaitable<std::string> delete_address(cluster& on) {
  // It may be on its way from one member to another just now.
  const auto end = now_ns() + 5'000'000'000;
  for (;;) {
    for (const auto number : on.net()->holders_of(on.virtual_address())) {
      if (change_address(on, "del", on.net()->space(number)).status == 0)
        co_return "";
    }
    if (now_ns() > end)
      co_return "no member holds the virtual address";
    co_await sleep_for(10ms);
  }
}

asio::awaitable<std::string> claim_address(cluster& on) {
  launch announce;
  announce.network = on.net()->stranger();
  announce.command = announcement(on.virtual_address());
  if (const auto taken = change_address(on, "replace", announce.network); taken.status != 0)
    co_return taken.output;
  auto why = co_await run_beside(announce);
  static_cast<void>(change_address(on, "del", announce.network));
  co_return why;
}

} // namespace holdfast::chaos
