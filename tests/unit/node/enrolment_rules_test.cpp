// Which repeats of an enrolment are harmless (ENR-16, SEL-10), and which are a member asked to be another one
// (ENR-10).
#include "actors/node/enrolment_rules.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::node;

namespace {

msg::ha_state member() {
  msg::ha_state out;
  out.consensus_id = "550e8400-e29b-41d4-a716-446655440000";
  out.consensus_enabled = out.enabled = out.valid = true;
  out.consensus_addr = "10.0.0.2:8093";
  out.ha_id = "testers";
  out.virt_addr = "10.0.0.9/24";
  out.virt_interface = "eth0";
  out.roots = {{{"bmV3ZXI="}, "key"}, {{"b2xkZXI="}, "key"}};
  return out;
}

} // namespace

TEST_CASE("ENR-16 SEL-10 the same enrolment once more is a repeat, also with an introduction of before a "
          "rotation") {
  auto posted = member();
  CHECK(repeats_enrolment(posted, member(), false));
  posted.roots = {{{"b2xkZXI="}, ""}};
  CHECK(repeats_enrolment(posted, member(), false));
  posted.consensus_id.clear();
  posted.passive = true;
  posted.token = "of another day";
  CHECK(repeats_enrolment(posted, member(), false));
  posted.consensus_enabled = false; // who founds a cluster posts no roots
  posted.roots.clear();
  CHECK(repeats_enrolment(posted, member(), false));
  posted.ha_id.clear(); // a ticket tells it
  CHECK(repeats_enrolment(posted, member(), true));
}

TEST_CASE("ENR-10 another cluster, address, role or link is none") {
  const auto differs = [](auto change) {
    auto posted = member();
    change(posted);
    return !repeats_enrolment(posted, member(), false);
  };
  CHECK(differs([](auto& s) { s.ha_id = "others"; }));
  CHECK(differs([](auto& s) { s.virt_addr = "10.0.0.8/24"; }));
  CHECK(differs([](auto& s) { s.load_balanced = true; }));
  CHECK(differs([](auto& s) { s.consensus_addr = "10.0.0.3:8093"; }));
  CHECK(differs([](auto& s) { s.observer = true; }));
  CHECK(differs([](auto& s) { s.virt_interface = "eth1"; }));
  CHECK(differs([](auto& s) { s.virt_interface_script = "/bin/true"; }));
  CHECK(differs([](auto& s) { s.consensus_id = "550e8400-e29b-41d4-a716-446655440001"; }));
  CHECK(differs([](auto& s) { s.roots = {{{"c3RyYW5nZXI="}, "key"}}; })); // of the same name
  CHECK(differs([](auto& s) { s.roots.clear(); }));
  auto by_ticket = member();
  by_ticket.observer = true;
  CHECK_FALSE(repeats_enrolment(by_ticket, member(), true));
}
