#include "tools/chaos/scenario_parser.hpp"
#include "tools/chaos/scenario_words.hpp"

#include <doctest/doctest.h>

using namespace holdfast::chaos;
using namespace std::chrono_literals;

namespace {

/// What the parser says about a text that is wrong.
std::string complaint(const std::string& text) {
  try {
    static_cast<void>(parse_scenario(text, "f.chaos"));
  } catch (const scenario_error& error) {
    return error.what();
  }
  return "nothing";
}

const std::string head = "scenario \"s\"\n";

} // namespace

TEST_CASE("a whole scenario is read") {
  const auto s = parse_scenario("# a comment\n"
                                "scenario \"The active is killed\"\n"
                                "cluster members 5 observers 1 place namespaces disk image 64MiB # here too\n"
                                "timing heartbeat 50ms election 300ms lease 250ms\n"
                                "workload clients 4 keys 3 rate 100 put 50 get 40 delete 10\n"
                                "set clients 2 rate 20\n"
                                "append clients 3\n"
                                "patience 3s\n"
                                "let pause = 2s\n"
                                "at 1min kill active\n"
                                "repeat 3\n"
                                "  wait $pause\n"
                                "  cut 1 from minority\n"
                                "end\n"
                                "wait for new-active within 10s\n"
                                "clock any -30s\n"
                                "actor suspend replay at 2\n"
                                "swarm for 60s every 1s to 5s of kill cut\n"
                                "expect failover below 900ms\n"
                                "expect violation of linearizable\n",
                                "f.chaos");
  CHECK(s.story == "The active is killed");
  CHECK(s.cluster.members == 5);
  CHECK(s.cluster.observers == 1);
  CHECK(s.cluster.disk == disk_kind::image);
  CHECK(s.cluster.disk_mib == 64);
  CHECK(s.cluster.lease == 250ms);
  CHECK(s.workload.remove == 10);
  CHECK(s.append.clients == 3);
  CHECK(s.patience == 3s);
  REQUIRE(s.steps.size() == 7);
  CHECK(s.steps[0].kind == step_kind::at);
  CHECK(s.steps[0].time == 1min);
  CHECK(s.steps[1].act.who == target{target_kind::active, 0});
  REQUIRE(s.steps[2].body.size() == 2);
  CHECK(s.steps[2].body[0].time == 2s);
  CHECK(to_text(s.steps[2].body[1].act) == "cut 1 from minority");
  CHECK(s.steps[3].condition == condition_kind::new_active);
  CHECK(s.steps[4].act.time == -30s);
  CHECK(to_text(s.steps[5].act) == "actor suspend replay at 2");
  CHECK(s.steps[6].swarm.faults == std::vector<std::string>{"kill", "cut"});
  CHECK(s.expectations[0].time == 900ms);
  CHECK(s.expectations[1].word == "linearizable");
}

TEST_CASE("an error names file, line, column and what was expected") {
  CHECK(
      complaint(head + "kill nobody") ==
      "f.chaos:2:6: expected a member's number, active, passive, observer, any, all, down or minority, found "
      "'nobody'");
  CHECK(complaint(head + "\n  wait soon") ==
        "f.chaos:3:8: expected a time such as 250ms, 2s or 5min, found 'soon'");
  CHECK(complaint(head + "wait") ==
        "f.chaos:2:5: expected a time such as 250ms, 2s or 5min, found the end of the line");
  CHECK(complaint(head + "explode 1").starts_with("f.chaos:2:1: expected an action or a setting"));
  CHECK(complaint(head + "kill 1 2") == "f.chaos:2:8: expected the end of the line, found '2'");
  CHECK(complaint(head + "repeat 2\nwait 1s").find("expected 'end' of the repeat in line 2") !=
        std::string::npos);
  CHECK(complaint(head + "end").find("expected a repeat before this") != std::string::npos);
  CHECK(complaint(head + "wait $x").find("expected a variable set by an earlier 'let', found '$x'") !=
        std::string::npos);
  CHECK(complaint("scenario \"open").find("expected a closing \"") != std::string::npos);
  CHECK(complaint("wait 1s").find("expected a line: scenario") != std::string::npos);
  CHECK(complaint(head + "cluster members 3 observers 3").find("fewer observers than members") !=
        std::string::npos);
  CHECK(complaint(head + "clock 1 90s").find("a time with its sign") != std::string::npos);
  CHECK(complaint(head + "wait 99999999999999999999s").find("expected a time") != std::string::npos);
  CHECK(complaint(head + "wait 25h").find("expected a time") != std::string::npos);
  CHECK(complaint(head + "let a! = 1").find("a name of letters") != std::string::npos);
  CHECK(complaint(head + "workload clients 3").find("a share of put") != std::string::npos);
}

TEST_CASE("what the place or the disk cannot do is refused when the file is read") {
  CHECK(complaint(head + "isolate active") == "nothing"); // through the proxy
  CHECK(complaint(head + "swarm for 1s every 1s to 2s of kill cut") == "nothing");
  CHECK(complaint(head + "unplug active").find("place namespaces") != std::string::npos);
  CHECK(complaint(head + "reorder 5% at 1").find("place namespaces") != std::string::npos);
  CHECK(complaint(head + "cluster address virtual").find("place namespaces") != std::string::npos);
  CHECK(complaint(head + "wait for address within 1s").find("address virtual") != std::string::npos);
  CHECK(complaint(head + "repeat 2\nfill 1\nend").starts_with("f.chaos:3:1:"));
  CHECK(complaint(head + "power-cut 1").find("disk image") != std::string::npos);
  CHECK(complaint(head + "delete-vip").find("address virtual") != std::string::npos);
  CHECK(complaint(head + "cluster place namespaces\nisolate active") == "nothing");
}

TEST_CASE("repeats nest to a limit and text has one") {
  std::string deep = head;
  for (int i = 0; i < 9; ++i)
    deep += "repeat 2\n";
  CHECK(complaint(deep).find("repeats at most 8 deep") != std::string::npos);
  CHECK(complaint(std::string(10'001, '\n')).find("at most 10000 lines") != std::string::npos);
  CHECK(complaint(std::string((1U << 20U) + 1, ' ')).find("at most 1 MiB") != std::string::npos);
}

TEST_CASE("every action word can be parsed from its own text") {
  for (const auto& row : action_words()) {
    action act;
    act.what = row.what;
    act.amount = 5;
    act.time = 20ms;
    act.name = "replay";
    const auto bar = row.form.find('|');
    if (bar != std::string_view::npos) {
      const auto from = row.form.rfind(' ', bar);
      const auto begin = from == std::string_view::npos ? 0 : from + 1;
      act.word = row.form.substr(begin, bar - begin);
    }
    auto text = to_text(act);
    if (row.what == action_kind::clock)
      text = "clock all +20ms";
    const auto s =
        parse_scenario(head + "cluster place namespaces address virtual disk " +
                           (row.what == action_kind::power_cut ? "image" : "small") + " 32MiB\n" + text,
                       "f");
    REQUIRE(s.steps.size() == 1);
    CHECK(s.steps[0].act.what == row.what);
  }
}
