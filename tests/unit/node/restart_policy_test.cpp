#include "actors/node/restart_policy.hpp"

#include <doctest/doctest.h>

using namespace holdfast::node;
using namespace std::chrono_literals;

TEST_CASE(
    "a child is started again five times within thirty seconds, each time after a longer pause, then never") {
  restart_policy policy;
  const restart_policy::time_point began{};
  auto last = 0ms;
  for (int i = 0; i < 5; ++i) {
    const auto pause = policy.on_end(began + i * 1s);
    REQUIRE(pause);
    CHECK(*pause > last);
    last = *pause;
  }
  CHECK_FALSE(policy.on_end(began + 5s));
  CHECK_FALSE(policy.on_end(began + 29s));
}

TEST_CASE("failures far apart never add up, and the pause starts small again") {
  restart_policy policy;
  const restart_policy::time_point began{};
  for (int i = 0; i < 100; ++i) {
    const auto pause = policy.on_end(began + i * 31s);
    REQUIRE(pause);
    CHECK(*pause == restart_limits{}.first_pause);
  }
}

TEST_CASE("the pause has an upper end") {
  restart_limits limits;
  limits.most = 50;
  restart_policy policy(limits);
  auto pause = policy.on_end(restart_policy::time_point{});
  for (int i = 0; i < 40; ++i)
    pause = policy.on_end(restart_policy::time_point{} + 1s);
  CHECK(*pause == limits.longest_pause);
}
