// The guard's script form and its failures, as real processes (VIP-03, -04, -08..11).
#include "tests/unit/vip/guard_fixture.hpp"

#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sstream>

using namespace holdfast::vip;
using namespace holdfast::vip::test;

namespace {

namespace fs = std::filesystem;

const std::string put_on = "ip addr replace $3 dev $2";
const std::string take_off = "ip addr del $3 dev $2 2>/dev/null || true";

/// A script of the operator, in a folder of its own where it notes its calls.
class operator_script {
public:
  operator_script(const std::string& add, const std::string& remove) {
    std::string name = "/tmp/guard-script-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    std::ofstream{folder_ / "run"} << "#!/bin/sh\ncd " << name
                                   << "\necho \"$1 $3\" >>calls\ncase $1 in\n add) " << add
                                   << " ;;\n remove) " << remove << " ;;\nesac\n";
    fs::permissions(folder_ / "run", fs::perms::owner_all);
  }
  ~operator_script() { fs::remove_all(folder_); }
  operator_script(const operator_script&) = delete;
  operator_script& operator=(const operator_script&) = delete;
  [[nodiscard]] to_guard::configure configure(const char* cidr = vip_text) const {
    return {cidr, "v0", (folder_ / "run").string()};
  }
  [[nodiscard]] fs::path file(const char* name) const { return folder_ / name; }
  [[nodiscard]] bool has(const char* name) const { return fs::exists(file(name)); }
  [[nodiscard]] int calls(const std::string& wanted) const {
    std::ifstream in{file("calls")};
    int count = 0;
    for (std::string line; std::getline(in, line);)
      count += line == wanted ? 1 : 0;
    return count;
  }

private:
  fs::path folder_;
};

/// Another member, as far as a release ticket is concerned.
class ticket_target {
public:
  ticket_target() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    at_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  [[nodiscard]] to_guard::tickets tickets() const { return {1, "proof", "127.0.0.1", {at_}}; }
  [[nodiscard]] bool heard() const {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT) == 1;
  }

private:
  unique_fd socket_;
  std::string at_;
};

to_guard::hold for_ms(mono_ns count) {
  return {mono_now() + count * ms, 1};
}

} // namespace

TEST_CASE("the daemon dies while the script adds: the ticket is sent when the address is off for good") {
  const operator_script script{"touch started; sleep 1; " + put_on, take_off};
  const ticket_target member;
  guarded guard;
  guard.tell(script.configure());
  guard.tell(member.tickets());
  guard.tell(for_ms(5000));
  until([&] { return script.has("started"); }, 3000 * ms, "the script to begin");
  guard.die();
  until([&] { return member.heard(); }, 3000 * ms, "the ticket");
  CHECK_FALSE(standing());
  CHECK(script.calls(std::string{"remove "} + vip_text) == 2); // the one when it was configured, and this
  never(standing, 1300 * ms, "the address came back after the ticket");
}

TEST_CASE("the daemon dies and the script takes its time to remove: the ticket waits for it") {
  const operator_script script{put_on, "sleep 1; " + take_off};
  const ticket_target member;
  guarded guard;
  guard.tell(script.configure());
  guard.tell(member.tickets());
  until([&] { return script.calls(std::string{"remove "} + vip_text) == 1; }, 3000 * ms, "the first remove");
  guard.tell(for_ms(5000));
  until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
  guard.die();
  until([&] { return member.heard(); }, 3000 * ms, "the ticket");
  CHECK_FALSE(standing());
}

TEST_CASE("the daemon dies and the script cannot remove: nobody is told that the address is off") {
  const operator_script script{put_on, "[ ! -e refuse ] || exit 3; " + take_off};
  const ticket_target member;
  guarded guard;
  guard.tell(script.configure());
  guard.tell(member.tickets());
  guard.tell(for_ms(5000));
  until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
  std::ofstream{script.file("refuse")} << "";
  guard.die();
  until([&] { return guard.ended(); }, 3000 * ms, "the guard to end");
  CHECK_FALSE(member.heard());
  CHECK(standing());
  shell("ip addr flush dev v0 to 10.99.0.9");
}

TEST_CASE("the script is asked to add once, not for every renewal") {
  const operator_script script{put_on, take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(10'000));
  const auto announced = [&] {
    guard.listen();
    return std::count(guard.notes.begin(), guard.notes.end(), guard_note::announced);
  };
  until([&] { return announced() == 6; }, 6000 * ms, "the opening series, which takes two renewals");
  CHECK(script.calls(std::string{"add "} + vip_text) == 1);
}

TEST_CASE("a lapse does not wait for a script that still adds") {
  const operator_script script{put_on + "; sleep 3", take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(500));
  until(standing, 3000 * ms, "the address to be put on");
  until([] { return !standing(); }, 2000 * ms, "the address to go though the script had not ended");
}

TEST_CASE("another address is configured while the script adds the old one: the old one does not stay") {
  const operator_script script{"touch started; sleep 0.4; " + put_on, take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(5000));
  until([&] { return script.has("started"); }, 3000 * ms, "the script to begin");
  guard.tell(script.configure("10.99.0.10/24"));
  until([&] { return script.calls("remove 10.99.0.10/24") == 1; }, 3000 * ms,
        "the new address to be configured");
  CHECK(script.calls(std::string{"remove "} + vip_text) == 2);
  never(standing, 600 * ms, "the old address was put on");
}

TEST_CASE("VIP-04 the guard dies: its heir is ready when the script has removed the address") {
  const operator_script script{put_on, "sleep 0.5; " + take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(10'000));
  until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
  ::kill(guard.worker.pid, SIGKILL);
  guard.next_worker();
  until([&] { return guard.is_ready(); }, 3000 * ms, "the heir");
  CHECK_FALSE(standing());
}

TEST_CASE("VIP-04 the guard dies while the script adds: the heir ends that script first") {
  const operator_script script{"touch started; sleep 0.3; " + put_on, take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(10'000));
  until([&] { return script.has("started"); }, 3000 * ms, "the script to begin");
  ::kill(guard.worker.pid, SIGKILL);
  guard.next_worker();
  until([&] { return guard.is_ready(); }, 3000 * ms, "the heir");
  never(standing, 600 * ms, "the old guard's script put the address on");
}

TEST_CASE("VIP-10 an heir whose script cannot remove says so, is not ready, answers, and tries again") {
  const operator_script script{put_on, "[ ! -e refuse ] || exit 3; " + take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(10'000));
  until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
  std::ofstream{script.file("refuse")} << "";
  ::kill(guard.worker.pid, SIGKILL);
  guard.next_worker();
  until([&] { return guard.heard(guard_note::failed); }, 3000 * ms, "the failure to be told");
  CHECK_FALSE(guard.is_ready());
  fs::remove(script.file("refuse"));
  until([&] { return guard.is_ready(); }, 3000 * ms, "the heir");
  CHECK_FALSE(standing());
}

TEST_CASE(
    "a daemon's actor that starts anew is told of the release when the script has removed the address") {
  const operator_script script{put_on, "[ ! -e slow ] || sleep 0.5; " + take_off};
  guarded guard;
  guard.tell(script.configure());
  guard.tell(for_ms(10'000));
  until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
  std::ofstream{script.file("slow")} << "";
  guard.notes.clear();
  guard.tell(to_guard::release{});
  guard.tell(script.configure());
  until([&] { return guard.heard(guard_note::released); }, 3000 * ms, "the release");
  CHECK_FALSE(standing());
}

TEST_CASE("an add that the kernel refuses is told as failed alone; once it works the address is held") {
  shell("ip link add v2 type veth peer name v3 && ip link set v3 up && ip link set v2 up && echo 1 "
        ">/proc/sys/net/ipv6/conf/v2/disable_ipv6");
  {
    guarded guard;
    guard.tell(to_guard::configure{"fd00::9/64", "v2", ""});
    guard.tell(for_ms(20'000));
    const auto failures = [&] {
      guard.listen();
      return std::count(guard.notes.begin(), guard.notes.end(), guard_note::failed);
    };
    until([&] { return failures() >= 3; }, 3000 * ms, "the failures to be told");
    for (const auto never_said : {guard_note::held, guard_note::restored, guard_note::announced})
      CHECK_FALSE(guard.heard(never_said));
    shell("echo 0 >/proc/sys/net/ipv6/conf/v2/disable_ipv6");
    until([&] { return guard.heard(guard_note::held); }, 3000 * ms, "the address to be held");
    until([&] { return guard.heard(guard_note::announced); }, 3000 * ms, "the announcement");
  }
  shell("ip link del v2");
}

TEST_CASE(
    "SIGKILL of the daemon and SIGSTOP of the guard: the keeper's second worker takes the address off") {
  guarded guard;
  guard.tell(to_guard::configure{vip_text, "v0", ""});
  guard.tell(for_ms(400));
  until(standing, 1000 * ms, "the address to be put on");
  ::kill(guard.worker.pid, SIGSTOP);
  guard.die();
  until([] { return !standing(); }, 1500 * ms, "the address to go before the kernel's lifetime ends");
}
