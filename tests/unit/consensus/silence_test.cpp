// When a passive stops sending requests to an active it no longer hears.
#include "actors/consensus/silence.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;
using consensus::leader_silent;

TEST_CASE("a leader is silent once its lease must have ended, however the two are set") {
  raft::limits bounds; // 100 ms heartbeats, 400 ms lease
  const raft::instant heard{5'000'000};
  CHECK_FALSE(leader_silent(std::nullopt, heard + 1h, bounds)); // nobody is followed
  CHECK_FALSE(leader_silent(heard, heard, bounds));
  CHECK_FALSE(leader_silent(heard, heard + 399ms, bounds));
  CHECK(leader_silent(heard, heard + 400ms, bounds));
  // A lease hardly longer than a heartbeat: one that comes late is no silence.
  bounds.heartbeat_interval = 50ms;
  bounds.lease_length = 60ms;
  CHECK_FALSE(leader_silent(heard, heard + 149ms, bounds));
  CHECK(leader_silent(heard, heard + 150ms, bounds));
}
