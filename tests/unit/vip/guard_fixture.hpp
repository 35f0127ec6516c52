// What the tests of the guard's real processes share. They run in a network namespace of their own with the
// interface v0, which main() in test_guard_process.cpp makes.
#pragma once

#include "actors/vip/guard_keeper.hpp"
#include "actors/vip/guard_protocol.hpp"
#include "actors/vip/netlink.hpp"
#include "actors/vip/script_runner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

namespace holdfast::vip::test {

inline constexpr mono_ns ms = 1'000'000;
inline const char* const vip_text = "10.99.0.9/24";

inline void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error{"failed: " + command};
  }
}

template <class Condition>
mono_ns until(Condition holds, mono_ns limit, const char* what) {
  const mono_ns began = mono_now();
  while (!holds()) {
    REQUIRE_MESSAGE(mono_now() - began < limit, std::string{what});
    ::poll(nullptr, 0, 1);
  }
  return mono_now() - began;
}

inline bool standing() {
  netlink kernel;
  const auto found = kernel.find_address(*parse_cidr(vip_text));
  REQUIRE(found);
  return !found->empty();
}

/// The other half of until: for that long it must not come to hold.
template <class Condition>
void never(Condition holds, mono_ns limit, const char* what) {
  for (const mono_ns began = mono_now(); mono_now() - began < limit;) {
    REQUIRE_MESSAGE(!holds(), std::string{what});
    ::poll(nullptr, 0, 5);
  }
}

inline void say(const guard_handle::worker& to, const to_guard::message& m) {
  const auto packet = encode(m);
  (void)::send(to.channel.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// A guard whose daemon is this test: it says what the test wants and remembers what it heard.
struct guarded {
  std::optional<guard_handle> guard{start_guard()};
  pid_t keeper = guard->keeper();
  guard_handle::worker worker;
  std::vector<guard_note> notes; ///< of the present worker
  bool ready = false;

  guarded() { next_worker(); }
  ~guarded() {
    die();
    until([&] { return ended(); }, 15'000 * ms, "the keeper to end");
  }
  void next_worker() {
    bool gone = false;
    notes.clear();
    ready = false;
    std::optional<guard_handle::worker> made;
    until([&] { return (made = guard->next_worker(gone)).has_value(); }, 3000 * ms, "a worker");
    worker = std::move(*made);
  }
  void tell(const to_guard::message& m) { say(worker, m); }
  void listen() {
    std::array<char, max_guard_packet> packet{};
    ssize_t got = 0;
    while ((got = ::recv(worker.channel.get(), packet.data(), packet.size(), MSG_DONTWAIT)) > 0) {
      const auto said = decode_to_daemon(std::span{packet}.first(static_cast<std::size_t>(got)));
      if (!said)
        continue;
      if (const auto* note = std::get_if<to_daemon::note>(&*said))
        notes.push_back(note->what);
      ready = ready || std::holds_alternative<to_daemon::ready>(*said);
    }
  }
  bool heard(guard_note what) {
    listen();
    return std::find(notes.begin(), notes.end(), what) != notes.end();
  }
  bool is_ready() {
    listen();
    return ready;
  }
  /// As the kernel shows a killed daemon to its guard.
  void die() {
    guard.reset();
    worker.channel = unique_fd{};
  }
  bool ended() {
    if (keeper > 0 && ::waitpid(keeper, nullptr, WNOHANG) == keeper)
      keeper = -1;
    return keeper < 0;
  }
};

} // namespace holdfast::vip::test
