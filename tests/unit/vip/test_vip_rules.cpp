#include "actors/vip/claim_frame.hpp"
#include "actors/vip/guard_protocol.hpp"
#include "actors/vip/guard_rules.hpp"
#include "actors/vip/release_ticket.hpp"
#include "actors/vip/script_runner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <poll.h>

using namespace holdfast::vip;

namespace {

constexpr mono_ns ms = 1'000'000;

std::string names(const guard_rules::actions& actions) {
  std::string out;
  for (const auto& a : actions) {
    static constexpr const char* acts[] = {"add", "renew", "remove", "announce", "tickets", "tell", "finish"};
    static constexpr const char* notes[] = {"",      "held", "released", "lapsed", "restored",
                                            "claim", "lost", "back",     "failed"};
    out += (out.empty() ? "" : " ") + std::string{acts[static_cast<int>(a.what)]};
    if (a.note != guard_note::none) {
      out += std::string{":"} + notes[static_cast<int>(a.note)];
    }
  }
  return out;
}

/// Runs the clock to `until`, as the guard's poll loop would, and collects what was done.
std::string run(guard_rules& rules, mono_ns until) {
  std::string out;
  for (auto due = rules.next_deadline(); due && *due <= until; due = rules.next_deadline()) {
    const auto did = names(rules.tick(*due));
    if (!did.empty()) {
      out += (out.empty() ? "" : " ") + std::to_string(*due / ms) + "=" + did;
    }
  }
  return out;
}

script_result finish(script_runner& runner) {
  for (;;) {
    pollfd output{runner.fd(), POLLIN, 0};
    ::poll(&output, 1, static_cast<int>((runner.wake_at(mono_now()) - mono_now()) / ms));
    if (auto result = runner.poll(mono_now()))
      return *result;
  }
}

} // namespace

TEST_CASE("VIP-03 the address goes when the deadline passes, whatever the daemon does") {
  guard_rules rules;
  CHECK(names(rules.hold(0, 400 * ms, 7)) == "add announce tell:held");
  rules.added();
  CHECK(names(rules.hold(100 * ms, 500 * ms, 7)).empty());
  CHECK(run(rules, 499 * ms) == "20=announce 100=announce");
  CHECK(names(rules.tick(500 * ms)) == "remove tell:lapsed");
  CHECK_FALSE(rules.holding());
  CHECK_FALSE(rules.next_deadline());
}

TEST_CASE("an extension that arrives after the deadline takes nothing back by itself") {
  guard_rules rules;
  (void)rules.hold(0, 400 * ms, 7);
  (void)rules.tick(450 * ms);
  CHECK(names(rules.hold(460 * ms, 430 * ms, 7)).empty());
  CHECK_FALSE(rules.holding());
  CHECK(names(rules.hold(470 * ms, 800 * ms, 7)) == "add announce tell:held");
}

TEST_CASE("a deadline of an older epoch, or one that goes back, extends nothing") {
  guard_rules rules;
  (void)rules.hold(0, 400 * ms, 7);
  (void)rules.hold(10 * ms, 900 * ms, 6);
  (void)rules.hold(10 * ms, 300 * ms, 7);
  CHECK(rules.deadline() == 400 * ms);
  (void)rules.hold(10 * ms, 350 * ms, 8);
  CHECK(rules.epoch() == 8);
}

TEST_CASE("VIP-02 the opening series is announced at 0, 20, 100, 500, 1000 and 2000 ms, then every 30 s") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  rules.added();
  const auto did = run(rules, 31'000 * ms);
  CHECK(did.find("20=announce 100=announce 500=announce 1000=renew announce") == 0);
  CHECK(did.find("2000=renew announce") != std::string::npos);
  CHECK(did.find("30000=renew announce") != std::string::npos);
  CHECK(std::count(did.begin(), did.end(), 'n') > 0);
}

TEST_CASE("the kernel's lifetime is renewed every second while held, and never after") {
  guard_rules rules;
  (void)rules.hold(0, 3'500 * ms, 1);
  rules.added();
  const auto did = run(rules, 10'000 * ms);
  CHECK(did.find("3000=renew") != std::string::npos);
  CHECK(did.find("3500=remove tell:lapsed") != std::string::npos);
  CHECK(did.find("4000") == std::string::npos);
}

TEST_CASE("the daemon's death takes the address off and only a holder sends tickets") {
  guard_rules held;
  (void)held.hold(0, 400 * ms, 1);
  CHECK(names(held.daemon_gone(10 * ms)) == "remove tickets finish");
  guard_rules idle;
  CHECK(names(idle.daemon_gone(10 * ms)) == "remove finish");
}

TEST_CASE("TRB-03 an address deleted by somebody else comes back at once, at a bounded rate") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  rules.added();
  CHECK(names(rules.address_deleted(50 * ms)) == "add tell:restored announce");
  rules.added();
  CHECK(names(rules.address_deleted(60 * ms)).find("add") == std::string::npos);
  rules.added();
  CHECK(run(rules, 260 * ms).find("250=add tell:restored") != std::string::npos);
  guard_rules idle;
  CHECK(names(idle.address_deleted(0)).empty());
}

TEST_CASE("a foreign claim is answered by an announcement, at most one a second, and always told") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  rules.added();
  CHECK(names(rules.claim(10 * ms)) == "announce tell:claim");
  CHECK(names(rules.claim(20 * ms)) == "tell:claim");
  CHECK(names(rules.claim(1'011 * ms)) == "announce tell:claim");
}

TEST_CASE("VIP-15 a lost link is told; a link that returns, or a new MAC, gets the address and announcements "
          "anew") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  rules.added();
  CHECK(names(rules.link(10 * ms, false, false)) == "tell:lost");
  CHECK(names(rules.link(30 * ms, true, false)) == "tell:back add tell:restored announce");
  CHECK(names(rules.link(40 * ms, true, true)) == "add tell:restored announce");
  CHECK(names(rules.link(50 * ms, true, false)).empty());
}

TEST_CASE("a refused add is told and tried again; nothing is announced before it worked") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  CHECK(names(rules.add_failed(0)) == "tell:failed");
  CHECK(names(rules.claim(10 * ms)) == "tell:claim");
  CHECK(run(rules, 210 * ms) == "200=add tell:held announce");
  CHECK_FALSE(rules.stands());
  CHECK(names(rules.add_failed(201 * ms, true)) == "tell:failed");
  CHECK(run(rules, 1'200 * ms).empty());
  CHECK(run(rules, 1'201 * ms).find("1201=add tell:held announce") != std::string::npos);
  rules.added();
  CHECK(rules.stands());
  CHECK(names(rules.address_deleted(5'000 * ms)) == "add tell:restored announce");
}

TEST_CASE("a script's address is announced from when it is on, however long that took") {
  guard_rules rules;
  (void)rules.hold(0, 100'000 * ms, 1);
  CHECK(run(rules, 700 * ms).empty());
  CHECK(names(rules.added_by_script(700 * ms)) == "announce tell:held");
  CHECK(run(rules, 800 * ms) == "720=announce 800=announce");
  CHECK(names(rules.added_by_script(5'000 * ms)) == "announce tell:restored");
}

TEST_CASE("VIP-08 the address is parsed by value; what cannot be a VIP is refused") {
  const auto v4 = parse_cidr("10.0.0.9/24");
  REQUIRE(v4);
  CHECK(to_text(*v4) == "10.0.0.9");
  CHECK(v4->prefix == 24);
  CHECK(v4->host_prefix() == 32);
  CHECK(same_network(*v4, *parse_cidr("10.0.0.77/32")));
  CHECK_FALSE(same_network(*v4, *parse_cidr("10.0.1.77/32")));
  REQUIRE(parse_cidr("fd00::9/64"));
  for (const char* bad :
       {"10.0.0.9", "10.0.0.9/", "10.0.0.9/33", "10.0.0.9/0", "10.0.0/24", "0.0.0.0/8", "127.0.0.1/8",
        "224.0.0.1/4", "ff02::1/64", "::1/128", "::/64", "10.0.0.9/24x", "a/24", ""}) {
    CHECK_MESSAGE(!parse_cidr(bad), bad);
  }
}

TEST_CASE("VIP-11 interface names that could surprise a script are refused") {
  CHECK(valid_interface_name("eth0.12"));
  for (const char* bad : {"", "a b", "a/b", "..", "abcdefghijklmnop", "a\n", "eth0:1"}) {
    CHECK_MESSAGE(!valid_interface_name(bad), bad);
  }
}

TEST_CASE("PRE-11 both gratuitous ARP forms claim the address for our MAC; a probe claims nothing") {
  const auto vip = *parse_cidr("10.0.0.9/24");
  const mac_address own{{2, 0, 0, 0, 0, 1}};
  for (const auto& bytes : announcements(vip, own)) {
    CHECK(claimed_by(bytes, vip) == own);
    CHECK_FALSE(claimed_by(bytes, *parse_cidr("10.0.0.8/24")));
    for (std::size_t cut = 0; cut < 42; ++cut) {
      CHECK_FALSE(claimed_by(std::span{bytes}.first(cut), vip));
    }
  }
  CHECK(announcements(vip, own).size() == 2);
  CHECK_FALSE(claimed_by(probe(vip, own), vip));
}

TEST_CASE("VIP-16 a neighbour advertisement claims an IPv6 address, a solicitation does not") {
  const auto vip = *parse_cidr("fd00::9/64");
  const mac_address own{{2, 0, 0, 0, 0, 1}};
  const auto bytes = announcements(vip, own).front();
  CHECK(claimed_by(bytes, vip) == own);
  CHECK_FALSE(claimed_by(probe(vip, own), vip));
  // RFC 4443 2.3: with its checksum in place the message sums to all ones.
  std::uint32_t sum = 32 + 58;
  for (std::size_t i = 14 + 8; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i] << 8) | bytes[i + 1];
  }
  while (sum >> 16U) {
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  }
  CHECK(sum == 0xFFFFU);
}

TEST_CASE("guard messages survive the trip, and nothing malformed is taken") {
  const std::vector<to_guard::message> up{
      to_guard::configure{"10.0.0.9/24", "eth0", "/x"},
      to_guard::hold{5, 6},
      to_guard::release{},
      to_guard::probe{40},
      to_guard::ping{9},
      to_guard::tickets{3, "bytes", "10.0.0.1", {"10.0.0.2:1", "[::1]:2"}}};
  for (const auto& m : up) {
    const auto packet = encode(m);
    const auto back = decode_to_guard(packet);
    REQUIRE(back);
    CHECK(encode(*back) == packet);
    for (std::size_t cut = 0; cut < packet.size(); ++cut) {
      const auto part = decode_to_guard(std::span{packet}.first(cut));
      CHECK_FALSE(part);
    }
    CHECK_FALSE(decode_to_guard(packet + "x"));
  }
  const auto note = encode(to_daemon::message{to_daemon::note{guard_note::held, 4, "d"}});
  CHECK(decode_to_daemon(note));
  auto bad = note;
  bad[2] = 99;
  CHECK_FALSE(decode_to_daemon(bad));
}

TEST_CASE("release tickets: only a member's key makes one, for one cluster and one epoch") {
  const release_ticket ticket{42, "cluster", "node"};
  const auto bytes = sign_ticket(ticket, "key one");
  CHECK(open_ticket(bytes, "cluster", {"key zero", "key one"}) == ticket);
  CHECK_FALSE(open_ticket(bytes, "other", {"key one"}));
  CHECK_FALSE(open_ticket(bytes, "cluster", {"key two"}));
  CHECK_FALSE(open_ticket(bytes, "cluster", {}));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto forged = bytes;
    forged[i] = static_cast<char>(forged[i] ^ 1);
    CHECK_FALSE(open_ticket(forged, "cluster", {"key one"}));
    CHECK_FALSE(open_ticket(bytes.substr(0, i), "cluster", {"key one"}));
  }
}

TEST_CASE("VIP-10 a script that fails, is missing or is silent is told apart, with its output") {
  script_runner runner;
  std::string why;
  CHECK_FALSE(runner.start(mono_now(), "/no/such/script", "add", "eth0", "10.0.0.9/24", why));
  CHECK(why.find("No such file") != std::string::npos);
  REQUIRE(runner.start(mono_now(), "/bin/echo", "add", "eth0", "$(reboot) 10.0.0.9/24", why));
  const auto fine = finish(runner);
  CHECK(fine.ok);
  CHECK(fine.text.find("add eth0 $(reboot) 10.0.0.9/24") != std::string::npos);
  REQUIRE(runner.start(mono_now(), "/bin/false", "add", "eth0", "10.0.0.9/24", why));
  CHECK_FALSE(finish(runner).ok);
  const auto long_ago = mono_now() - script_runner::time_limit;
  REQUIRE(runner.start(long_ago, "/usr/bin/tail", "-f", "/dev/null", "/dev/null", why));
  CHECK(finish(runner).text.find("ended after 10 s") != std::string::npos);
  REQUIRE(runner.start(long_ago, "/usr/bin/yes", "a", "b", "c", why));
  CHECK(finish(runner).text.find("ended after 10 s") != std::string::npos);
  REQUIRE(runner.start(mono_now(), "/usr/bin/tail", "-f", "/dev/null", "/dev/null", why));
  runner.stop(mono_now());
  CHECK_FALSE(finish(runner).ok);
  CHECK_FALSE(runner.running());
}
