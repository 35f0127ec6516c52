// The guard as real processes on a real interface, in a network namespace of its own. Needs root.
#define DOCTEST_CONFIG_IMPLEMENT
#include "actors/vip/guard_worker.hpp"
#include "tests/unit/vip/guard_fixture.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <sched.h>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace holdfast::vip;
using namespace holdfast::vip::test;

namespace {

struct rusage_of_process {
  long ticks = 0;
};

/// User and system time of a process, in clock ticks.
bool read_usage(pid_t pid, rusage_of_process& out) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i)
    fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  out.ticks = user + system;
  return !fields.fail();
}

pid_t newest_child(pid_t parent) {
  std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
  pid_t found = -1;
  for (pid_t child = -1; file >> child;)
    found = child;
  return found;
}

/// Sees a removal however soon the address is back: looking at the address itself could miss it.
class removal_watch {
public:
  bool seen() {
    monitor_.drain([this](const netlink_event& event) {
      const auto vip = *parse_cidr(vip_text);
      seen_ = seen_ || (event.kind == netlink_event::what::address_deleted &&
                        event.address.address.bytes == vip.bytes);
    });
    return seen_;
  }

private:
  netlink_monitor monitor_;
  bool seen_ = false;
};

/// The daemon's part: a child process that keeps the lease alive until it is killed.
struct daemon_process {
  pid_t pid = -1;
  pid_t worker = -1;
  pid_t keeper = -1;

  explicit daemon_process(mono_ns lease = 400 * ms) {
    std::array<int, 2> report{};
    REQUIRE(::pipe(report.data()) == 0);
    pid = ::fork();
    if (pid == 0) {
      serve(report[1], lease);
    }
    ::close(report[1]);
    REQUIRE(::read(report[0], &worker, sizeof worker) == sizeof worker);
    REQUIRE(::read(report[0], &keeper, sizeof keeper) == sizeof keeper);
    ::close(report[0]);
    until(standing, 2000 * ms, "the address to be put on");
  }
  ~daemon_process() {
    ::kill(pid, SIGCONT);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    for (const pid_t other : {worker, keeper}) {
      ::kill(other, SIGKILL);
    }
    until([] { return !standing(); }, 5000 * ms, "the address to go after the test");
  }

  [[noreturn]] static void serve(int report, mono_ns lease) {
    auto guard = start_guard();
    guard_handle::worker worker;
    std::uint64_t nonce = 0;
    mono_ns answered = mono_now();
    bool first = true;
    for (;;) {
      bool gone = false;
      if (auto next = guard.next_worker(gone)) {
        worker = std::move(*next);
        say(worker, to_guard::configure{vip_text, "v0", ""});
        answered = mono_now();
        if (first) {
          first = false;
          const pid_t keeper = guard.keeper();
          (void)!::write(report, &worker.pid, sizeof worker.pid);
          (void)!::write(report, &keeper, sizeof keeper);
        }
      }
      if (worker.channel.valid()) {
        say(worker, to_guard::hold{mono_now() + lease, 1});
        say(worker, to_guard::ping{++nonce});
        std::array<char, max_guard_packet> packet{};
        ssize_t got = 0;
        while ((got = ::recv(worker.channel.get(), packet.data(), packet.size(), MSG_DONTWAIT)) > 0) {
          answered = mono_now();
        }
        if (mono_now() - answered > 300 * ms) {
          answered = mono_now();
          guard.replace_worker();
        }
      }
      ::poll(nullptr, 0, 20);
    }
  }
};

} // namespace

TEST_CASE("SIGKILL of the daemon takes the address off within milliseconds") {
  daemon_process daemon;
  ::kill(daemon.pid, SIGKILL);
  const auto took = until([] { return !standing(); }, 100 * ms, "the address to go");
  MESSAGE("gone after " << took / 1000 << " us");
}

TEST_CASE("SIGSTOP of the daemon takes the address off when the lease ends") {
  daemon_process daemon;
  ::kill(daemon.pid, SIGSTOP);
  const auto took = until([] { return !standing(); }, 500 * ms, "the address to go");
  CHECK(took > 100 * ms);
}

TEST_CASE("SIGKILL of the guard: a new one takes the address off first, then holds again") {
  daemon_process daemon;
  removal_watch watch;
  ::kill(daemon.worker, SIGKILL);
  until([&] { return watch.seen(); }, 1000 * ms, "the new guard to clean up");
  until(standing, 1000 * ms, "the daemon to hold again through the new guard");
}

TEST_CASE("SIGSTOP of the guard: it is replaced and the address stays guarded") {
  daemon_process daemon;
  removal_watch watch;
  ::kill(daemon.worker, SIGSTOP);
  until([&] { return watch.seen(); }, 1500 * ms, "the stopped guard to be replaced");
  until(standing, 1000 * ms, "the daemon to hold again");
}

TEST_CASE("SIGSTOP of daemon and guard: the keeper ends the guard and the address goes") {
  daemon_process daemon;
  ::kill(daemon.pid, SIGSTOP);
  ::kill(daemon.worker, SIGSTOP);
  const auto took = until([] { return !standing(); }, 2000 * ms, "the address to go");
  MESSAGE("gone after " << took / ms << " ms");
}

TEST_CASE("the keeper watches the guard before the address is on, so that no stop falls between the two") {
  std::array<int, 2> pair{};
  std::array<int, 2> pet{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) == 0);
  REQUIRE(::pipe2(pet.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pair[0]);
    static guard_page page;
    ::_exit(guard_worker{unique_fd{pair[1]}, unique_fd{pet[1]}, page}.run());
  }
  ::close(pair[1]);
  guard_handle::worker worker{unique_fd{pair[0]}, child};
  say(worker, to_guard::configure{vip_text, "v0", ""});
  for (int round = 0; round < 20; ++round) {
    say(worker, to_guard::hold{mono_now() + 5000 * ms, 1});
    netlink kernel;
    const auto address = *parse_cidr(vip_text);
    while (kernel.find_address(address)->empty()) { // no pause: what counts is the very moment
    }
    char word = 0;
    REQUIRE(::read(pet[0], &word, 1) == 1);
    CHECK(word == 'h');
    say(worker, to_guard::release{});
    until([&] { return ::read(pet[0], &word, 1) == 1 && word == 'i'; }, 2000 * ms, "the worker to be idle");
  }
  worker.channel = unique_fd{};
  ::waitpid(child, nullptr, 0);
  ::close(pet[0]);
  ::close(pet[1]);
}

TEST_CASE("the keeper, which runs before all others, does not spin while a worker ends") {
  daemon_process daemon;
  const auto used = [&] {
    rusage_of_process out;
    REQUIRE(read_usage(daemon.keeper, out));
    return out.ticks;
  };
  const auto before = used();
  for (int round = 0; round < 10; ++round) {
    removal_watch watch;
    daemon.worker = newest_child(daemon.keeper);
    ::kill(daemon.worker, SIGKILL);
    until([&] { return watch.seen(); }, 5000 * ms, "the new guard to clean up");
    until(standing, 5000 * ms, "the daemon to hold again");
  }
  daemon.worker = newest_child(daemon.keeper);
  CHECK(used() - before < 20); // of 10 ms each; a spin takes that for every worker
}

TEST_CASE("daemon, guard and keeper killed together: the kernel drops the address within its lifetime") {
  daemon_process daemon;
  ::kill(daemon.keeper, SIGKILL);
  ::kill(daemon.worker, SIGKILL);
  ::kill(daemon.pid, SIGKILL);
  const auto took = until([] { return !standing(); }, 3000 * ms, "the kernel to drop it");
  MESSAGE("gone after " << took / ms << " ms");
}

TEST_CASE("TRB-03 an address deleted by hand is put back at once") {
  daemon_process daemon;
  shell("ip addr del 10.99.0.9/32 dev v0");
  until(standing, 300 * ms, "the address to come back");
}

TEST_CASE("VIP-05 an address that is there already is no error, and lasts as long as ours from then on") {
  shell("ip addr add 10.99.0.9/32 dev v0");
  netlink kernel;
  CHECK(kernel.add_address(kernel.find_link("v0")->index, *parse_cidr(vip_text), 1) == 0);
  CHECK(standing());
  until([] { return !standing(); }, 4000 * ms, "the kernel to drop it");
}

TEST_CASE("an interface that is replaced under the address gets it again") {
  daemon_process daemon;
  shell("ip link del v0 && ip link add v0 type veth peer name v1 && ip link set v1 up && ip link set v0 up");
  until(standing, 1000 * ms, "the address on the new interface");
}

TEST_CASE("an address list that changes while it is read never hides an address") {
  {
    std::ofstream many{"/tmp/guard-many"};
    for (int i = 0; i < 2000; ++i)
      many << "addr add 10.98." << i / 250 << '.' << i % 250 + 1 << "/32 dev v0\n";
  }
  shell("ip -batch /tmp/guard-many && rm /tmp/guard-many && ip addr add 10.99.0.9/32 dev v0");
  const pid_t child = ::fork();
  if (child == 0) {
    netlink kernel;
    const auto other = *parse_cidr("10.97.0.1/32");
    const int index = kernel.find_link("v0")->index;
    for (;;) {
      (void)kernel.add_address(index, other, 60);
      (void)kernel.remove_address(index, other, 32);
    }
  }
  netlink kernel;
  const auto vip = *parse_cidr(vip_text);
  int absent = 0;
  for (const mono_ns began = mono_now(); mono_now() - began < 1500 * ms;) {
    const auto found = kernel.find_address(vip);
    absent += found && found->empty() ? 1 : 0;
  }
  CHECK(absent == 0);
  CHECK(kernel.add_address(kernel.find_link("v0")->index, *parse_cidr("10.97.0.2/32"), 60) == 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  REQUIRE(kernel.find_address(vip));
  CHECK(kernel.find_address(vip)->size() == 1);
  shell("ip addr flush dev v0 && ip addr add 10.99.0.1/24 dev v0");
}

TEST_CASE("VIP-04 what an earlier process left on the interface is removed before anything else") {
  shell("ip addr add 10.99.0.9/24 dev v0");
  auto guard = start_guard();
  bool gone = false;
  std::optional<guard_handle::worker> worker;
  until([&] { return (worker = guard.next_worker(gone)).has_value(); }, 1000 * ms, "a worker");
  say(*worker, to_guard::configure{vip_text, "v0", ""});
  until([] { return !standing(); }, 500 * ms, "the stale address to go");
}

int main(int argc, char** argv) {
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNET) != 0) {
    std::cerr << "needs root for a network namespace of its own\n";
    return 77;
  }
  shell("ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v1 up && ip link set v0 "
        "up && "
        "ip addr add 10.99.0.1/24 dev v0");
  doctest::Context context{argc, argv};
  return context.run();
}
