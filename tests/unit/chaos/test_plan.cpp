#include "tools/chaos/plan.hpp"
#include "tools/chaos/scenario_parser.hpp"
#include "tools/chaos/scenario_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace holdfast::chaos;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::vector<step>& plan) {
  std::string out;
  for (const auto& one : plan)
    out += one.kind == step_kind::act ? to_text(one.act) + "\n" : std::to_string(one.time.count()) + "\n";
  return out;
}

const std::string swarm = "scenario \"s\"\ncluster place namespaces\n"
                          "swarm for 120s every 500ms to 3s of kill term pause cut block partition member\n";

} // namespace

TEST_CASE("repeats are written out, also inside each other") {
  const auto plan =
      make_plan(parse_scenario("scenario \"s\"\nrepeat 2\nkill 1\nrepeat 3\nwait 1s\nend\nend\n", "f"), 1);
  CHECK(text_of(plan) == "kill 1\n1000\n1000\n1000\nkill 1\n1000\n1000\n1000\n");
}

TEST_CASE("the least time of a plan is that of its pauses, repeats written out") {
  const auto time_of = [](const std::string& steps) {
    return shortest_time(make_plan(parse_scenario("scenario \"s\"\n" + steps, "f"), 1));
  };
  CHECK(time_of("kill 1\n") == 0ms);
  CHECK(time_of("wait 1s\nrepeat 3\nwait 2s\nkill 1\nend\nwait for active within 30s\n") == 7s);
  CHECK(time_of("wait 1s\nat 5s kill 1\nwait 1s\n") == 6s);
  CHECK(time_of("wait 9s\nat 5s kill 1\n") == 9s);
}

TEST_CASE("a swarm is the same for the same seed and another for another") {
  const auto what = parse_scenario(swarm, "f");
  CHECK(text_of(make_plan(what, 7)) == text_of(make_plan(what, 7)));
  CHECK(text_of(make_plan(what, 7)) != text_of(make_plan(what, 8)));
}

TEST_CASE("a swarm lasts its time, heals after each period and ends with everything started") {
  const auto what = parse_scenario(swarm, "f");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto plan = make_plan(what, seed);
    milliseconds total{0};
    int grown = 0;
    for (const auto& one : plan) {
      if (one.kind == step_kind::wait) {
        total += one.time;
        CHECK(one.time >= 500ms);
        CHECK(one.time <= 3s);
      } else if (one.act.what == action_kind::add) {
        CHECK(++grown == 1);
      } else if (one.act.what == action_kind::remove) {
        CHECK(--grown == 0);
      }
    }
    CHECK(total >= 120s);
    CHECK(total <= 126s);
    CHECK(plan.back().act.what == action_kind::start);
  }
}

TEST_CASE("over some seeds a swarm draws every fault it may") {
  const auto what = parse_scenario(swarm, "f");
  std::set<action_kind> seen;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const auto& one : make_plan(what, seed)) {
      if (one.kind == step_kind::act)
        seen.insert(one.act.what);
    }
  }
  for (const auto kind : {action_kind::kill, action_kind::term, action_kind::pause, action_kind::cut,
                          action_kind::block, action_kind::partition, action_kind::add, action_kind::remove})
    CHECK(seen.contains(kind));
}

TEST_CASE("a plan without end is refused") {
  const auto what = parse_scenario("scenario \"s\"\nrepeat 10000\nrepeat 10000\nwait 1s\nend\nend\n", "f");
  CHECK_THROWS_AS(static_cast<void>(make_plan(what, 1)), scenario_error);
}

TEST_CASE("a plan of empty rounds is refused too") {
  std::string text = "scenario \"s\"\n";
  for (int i = 0; i < 8; ++i)
    text += "repeat 10000\n";
  for (int i = 0; i < 8; ++i)
    text += "end\n";
  CHECK_THROWS_AS(static_cast<void>(make_plan(parse_scenario(text, "f"), 1)), scenario_error);
}

TEST_CASE("what a scenario needs and is not there is said by name") {
  const auto need = [](const std::string& text, abilities have) {
    return missing_for(parse_scenario("scenario \"s\"\n" + text, "f"), have);
  };
  abilities all{true, true, true, true, true};
  CHECK(need("kill 1", {}).empty());
  CHECK(need("cluster place namespaces", {}).find("root") != std::string::npos);
  CHECK(need("cluster place namespaces", all).empty());
  CHECK(need("cluster disk image 64MiB", {}).find("root") != std::string::npos);
  CHECK(need("repeat 2\nfreeze 1\nend", {}).find("'freeze' needs root") != std::string::npos);
  auto without = all;
  without.strace = false;
  CHECK(need("slow-disk 1 by 2s", without).find("strace") != std::string::npos);
  without.faketime = false;
  CHECK(need("clock 1 +2s", without).find("faketime") != std::string::npos);
  without.unsafe_daemon = false;
  CHECK(need("cluster unsafe stale-read", without).find("unsafe_faults") != std::string::npos);
  without.cgroups = false;
  CHECK(need("starve 1 5%", without).find("cgroups") != std::string::npos);
}
