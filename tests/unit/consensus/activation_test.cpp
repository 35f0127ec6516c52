#include "actors/consensus/activation.hpp"

#include <doctest/doctest.h>

using namespace holdfast::consensus;

namespace {

activation_facts fit_leader() {
  activation_facts facts;
  facts.leader = true;
  facts.own_term_applied = true;
  facts.other_candidate = true;
  return facts;
}

} // namespace

TEST_CASE("CON-09 a leader becomes active only once it has applied its own term, and proposes it once") {
  auto facts = fit_leader();
  CHECK(next_activation_step(facts) == activation_step::activate);
  facts.own_term_applied = false;
  CHECK(next_activation_step(facts) == activation_step::none);
  facts.own_term_applied = true;
  facts.proposed = true;
  CHECK(next_activation_step(facts) == activation_step::none);
  CHECK_FALSE(is_active(facts));
  facts.holds_activation = true;
  CHECK(next_activation_step(facts) == activation_step::none);
  CHECK(is_active(facts));
}

TEST_CASE("CON-10 whoever does not lead is not active, whatever was committed before") {
  auto facts = fit_leader();
  facts.holds_activation = true;
  facts.leader = false;
  CHECK_FALSE(is_active(facts));
  CHECK(next_activation_step(facts) == activation_step::none);
}

TEST_CASE("OBS-01 OBS-06 an observer that leads hands over and never activates itself") {
  auto facts = fit_leader();
  facts.observer = true;
  CHECK(next_activation_step(facts) == activation_step::hand_over);
  facts.other_candidate = false; // it keeps leading, without an active
  CHECK(next_activation_step(facts) == activation_step::none);
}

TEST_CASE("WAL-11 an unhealthy active hands over when there is somebody to take over") {
  auto facts = fit_leader();
  facts.holds_activation = true;
  facts.healthy = false;
  CHECK(next_activation_step(facts) == activation_step::hand_over);
  facts.transferring = true; // under way
  CHECK(next_activation_step(facts) == activation_step::none);
  CHECK_FALSE(is_active(facts));
  facts.transferring = false;
  facts.other_candidate = false;
  CHECK(next_activation_step(facts) == activation_step::none);
}

TEST_CASE("VIP-15 who cannot carry the virtual address hands over only to somebody who can") {
  auto facts = fit_leader();
  facts.holds_activation = true;
  facts.carries_vip = false;
  CHECK(next_activation_step(facts) == activation_step::none); // nobody's link is up: nothing flaps
  facts.other_carries_vip = true;
  CHECK(next_activation_step(facts) == activation_step::hand_over);
  facts.holds_activation = false; // a new leader does not even begin
  CHECK(next_activation_step(facts) == activation_step::hand_over);
  facts.other_carries_vip = false;
  CHECK(next_activation_step(facts) == activation_step::activate); // it still serves on its own address
}
