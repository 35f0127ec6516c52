#include "actors/vip/member_digest.hpp"
#include "actors/vip/vip_lease.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace holdfast;
using namespace holdfast::vip;

namespace {

constexpr mono_ns ms = 1'000'000;

std::string names(const vip_lease::actions& actions) {
  std::string out;
  for (const auto& a : actions) {
    out += out.empty() ? "" : " ";
    if (const auto* hold = std::get_if<lease_act::hold>(&a))
      out += "hold@" + std::to_string(hold->deadline / ms);
    else if (const auto* tickets = std::get_if<lease_act::tickets>(&a))
      out += "tickets:" + std::to_string(tickets->epoch);
    else if (std::get_if<lease_act::configure>(&a))
      out += "configure";
    else if (std::get_if<lease_act::release>(&a))
      out += "release";
    else if (std::get_if<lease_act::probe>(&a))
      out += "probe";
    else if (const auto* released = std::get_if<lease_act::released>(&a))
      out += released->ok ? "off" : "unsure";
  }
  return out;
}

msg::lease_state lease(bool active, std::int64_t until_ms, std::int64_t clear_ms = 0,
                       std::uint64_t epoch = 7) {
  msg::lease_state out;
  out.active = active;
  out.epoch = epoch;
  out.until_us = until_ms * 1000;
  out.clear_at_us = clear_ms * 1000;
  return out;
}

vip_lease ready() {
  vip_lease rules;
  (void)rules.configured(1, true);
  (void)rules.guard_ready(1, "");
  return rules;
}

} // namespace

TEST_CASE(
    "VIP-01 the address is held while the node is active and its lease runs, with room before its end") {
  auto rules = ready();
  CHECK(names(rules.lease(100 * ms, lease(true, 500))) == "tickets:7 hold@450");
  CHECK(names(rules.lease(110 * ms, lease(true, 500))).empty());
  CHECK(names(rules.lease(200 * ms, lease(true, 600))) == "hold@550");
  CHECK(names(rules.lease(210 * ms, lease(false, 600))) == "release");
  CHECK(names(rules.lease(220 * ms, lease(false, 700))).empty());
}

TEST_CASE("VIP-03 nothing is taken before every earlier lease has surely ended") {
  auto rules = ready();
  CHECK(names(rules.lease(100 * ms, lease(true, 500, 320))).empty());
  CHECK(names(rules.tick(319 * ms)).empty());
  CHECK(names(rules.tick(320 * ms)) == "tickets:7 hold@450");
}

TEST_CASE("a release ticket, which moves that moment to now, lets it be taken at once") {
  auto rules = ready();
  CHECK(names(rules.lease(100 * ms, lease(true, 500, 320))).empty());
  CHECK(names(rules.lease(130 * ms, lease(true, 500, 100))) == "tickets:7 hold@450");
}

TEST_CASE("a lease without a majority's word, too short for the room, or of nobody, takes nothing") {
  auto rules = ready();
  CHECK(names(rules.lease(100 * ms, lease(true, 0))).empty());
  CHECK(names(rules.lease(100 * ms, lease(true, 149))).empty());
  CHECK(names(rules.lease(100 * ms, lease(false, 900))).empty());
}

TEST_CASE("after a pause an expired lease is let go of, and only a fresh one takes the address again") {
  auto rules = ready();
  (void)rules.lease(100 * ms, lease(true, 500));
  (void)rules.noted(101 * ms, guard_note::held, "");
  CHECK(names(rules.tick(60'000 * ms)) == "release");
  CHECK(names(rules.tick(60'001 * ms)).empty());
  CHECK(names(rules.lease(60'010 * ms, lease(true, 60'410, 0, 8))) == "tickets:8 hold@60360");
}

TEST_CASE(
    "no hold without a guard, without its rights, or where a balancer owns the address (PRE-13, VIP-12)") {
  vip_lease unguarded;
  (void)unguarded.configured(1, true);
  CHECK(names(unguarded.lease(100 * ms, lease(true, 500))).empty());
  CHECK_FALSE(unguarded.trouble(100 * ms).empty());
  CHECK(names(unguarded.guard_ready(110 * ms, "CAP_NET_ADMIN")) == "configure");
  CHECK(unguarded.trouble(110 * ms).find("CAP_NET_ADMIN") != std::string::npos);
  vip_lease balanced;
  (void)balanced.guard_ready(1, "");
  CHECK(names(balanced.configured(2, false)) == "configure");
  CHECK(names(balanced.lease(100 * ms, lease(true, 500))).empty());
  CHECK(balanced.trouble(100 * ms).empty());
}

TEST_CASE("a guard that died is trouble until its heir has lived; the heir is told everything anew") {
  auto rules = ready();
  (void)rules.lease(100 * ms, lease(true, 500));
  CHECK(names(rules.guard_lost(150 * ms, "the guard ended")).empty());
  CHECK(rules.trouble(150 * ms) == "the guard ended");
  CHECK(names(rules.guard_ready(200 * ms, "")) == "configure tickets:7 hold@450");
  CHECK(rules.trouble(1'199 * ms) == "the guard ended");
  CHECK(rules.trouble(1'201 * ms).empty());
}

TEST_CASE("a release is answered when the guard has said so, and nothing is taken meanwhile") {
  auto rules = ready();
  CHECK(names(rules.release_asked(50 * ms, false)) == "off");
  (void)rules.lease(100 * ms, lease(true, 500));
  (void)rules.noted(101 * ms, guard_note::held, "");
  CHECK(names(rules.release_asked(110 * ms, false)) == "release");
  CHECK(names(rules.lease(120 * ms, lease(true, 520))).empty());
  CHECK(names(rules.noted(121 * ms, guard_note::released, "")).find("off") == 0);
}

TEST_CASE("a guard that dies in a release answers it through its heir, which starts with the address off") {
  auto rules = ready();
  (void)rules.lease(100 * ms, lease(true, 500));
  (void)rules.noted(101 * ms, guard_note::held, "");
  (void)rules.release_asked(110 * ms, true);
  CHECK(names(rules.guard_lost(111 * ms, "gone")).empty());
  CHECK(names(rules.guard_ready(140 * ms, "")) == "configure off");
}

TEST_CASE("a new life of the actor does not call the address off before the guard has said so") {
  vip_lease rules;
  CHECK(names(rules.guard_adopted(1, "")).empty()); // it goes on with what it was told
  CHECK(names(rules.configured(2, true)) == "configure");
  CHECK(names(rules.noted(4, guard_note::held, "")).empty());
  CHECK(names(rules.release_asked(5, false)) == "release");
  CHECK(names(rules.noted(6, guard_note::released, "")) == "off");
}

TEST_CASE("a release that is asked while there is no guard waits for the heir") {
  auto rules = ready();
  (void)rules.lease(100 * ms, lease(true, 500));
  (void)rules.noted(101 * ms, guard_note::held, "");
  (void)rules.guard_lost(110 * ms, "gone");
  CHECK(names(rules.release_asked(111 * ms, false)).empty());
  CHECK(names(rules.guard_ready(130 * ms, "")).find("configure off") == 0);
}

TEST_CASE("TRB-04 after a release for good nothing is taken any more") {
  auto rules = ready();
  CHECK(names(rules.release_asked(50 * ms, true)) == "off");
  CHECK(names(rules.lease(100 * ms, lease(true, 500))).empty());
}

TEST_CASE("VIP-15 a lost link counts after its hold-down and until it has settled; a blink does not") {
  auto rules = ready();
  (void)rules.noted(100 * ms, guard_note::link_lost, "");
  (void)rules.tick(399 * ms);
  CHECK(rules.trouble(399 * ms).empty());
  (void)rules.tick(400 * ms);
  CHECK_FALSE(rules.trouble(400 * ms).empty());
  CHECK_FALSE(rules.fit(400 * ms));
  (void)rules.noted(1'000 * ms, guard_note::link_back, "");
  (void)rules.tick(1'999 * ms);
  CHECK(rules.trouble(1'999 * ms).empty()); // no reason to leave any more
  CHECK_FALSE(rules.fit(1'999 * ms));       // and not yet one to come
  (void)rules.tick(2'000 * ms);
  CHECK(rules.fit(2'000 * ms));
  (void)rules.noted(3'000 * ms, guard_note::link_lost, "");
  CHECK_FALSE(rules.fit(3'000 * ms));
  (void)rules.noted(3'200 * ms, guard_note::link_back, "");
  (void)rules.tick(3'600 * ms);
  CHECK(rules.trouble(3'600 * ms).empty());
}

TEST_CASE("VIP-10 a refused address or a failed script is trouble, with its text, for a while") {
  auto rules = ready();
  (void)rules.lease(100 * ms, lease(true, 500));
  (void)rules.noted(110 * ms, guard_note::failed, "exit code 3");
  CHECK(rules.trouble(120 * ms) == "exit code 3");
  CHECK(rules.trouble(10'111 * ms).empty());
  (void)rules.noted(130 * ms, guard_note::held, "");
  CHECK(rules.trouble(140 * ms).empty());
}

TEST_CASE("the address is probed once when a campaign begins") {
  auto rules = ready();
  auto state = lease(false, 0);
  state.campaigning = true;
  CHECK(names(rules.lease(100 * ms, state)) == "probe");
  state.epoch = 9;
  CHECK(names(rules.lease(110 * ms, state)).empty());
}

TEST_CASE("a member's digest survives the trip; what is too short or unknown says nothing") {
  CHECK(decode_digest(encode_digest({true}))->fit);
  CHECK_FALSE(decode_digest(encode_digest({false}))->fit);
  CHECK(decode_digest(encode_digest({true}) + "later")->fit);
  CHECK_FALSE(decode_digest(""));
  CHECK_FALSE(decode_digest("\1"));
  CHECK_FALSE(decode_digest(std::string{"\0\1", 2}));
}
