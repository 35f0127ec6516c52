#include "tools/chaos/added.hpp"
#include "tools/chaos/frame_rule.hpp"
#include "tools/chaos/json_edit.hpp"
#include "tools/chaos/judge.hpp"
#include "tools/chaos/leader_log.hpp"
#include "tools/chaos/outcome.hpp"
#include "tools/chaos/secrets.hpp"
#include "tools/chaos/timeline.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

using namespace holdfast::chaos;

namespace {

constexpr std::int64_t ms = 1'000'000;

addition added(std::uint64_t id, op_outcome outcome) {
  addition out;
  out.id = id;
  out.outcome = outcome;
  return out;
}

tick write(std::int64_t called, std::int64_t returned, op_outcome outcome = op_outcome::ok) {
  return {called * ms, returned * ms, true, outcome, outcome == op_outcome::unknown};
}

role_sample role(unsigned member, std::int64_t at, bool active, bool reached = true) {
  return {at * ms, (at + 1) * ms, member, active, reached};
}

/// A folder that goes with the test.
struct scratch {
  std::filesystem::path path;
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chaos-unit-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~scratch() { std::filesystem::remove_all(path); }
  std::filesystem::path folder(const std::string& name,
                               const std::map<std::string, std::string>& files) const {
    std::filesystem::create_directories(path / name);
    for (const auto& [file, text] : files)
      std::ofstream(path / name / file) << text;
    return path / name;
  }
};

const check_result& named_check(const judged& from, const std::string& name) {
  return *std::find_if(from.checks.begin(), from.checks.end(),
                       [&](const auto& one) { return one.name == name; });
}

} // namespace

TEST_CASE("what is not proven is unknown") {
  CHECK(classify_write({true, true, 200}) == op_outcome::ok);
  CHECK(classify_write({true, true, 201}) == op_outcome::ok);
  CHECK(classify_write({true, true, 503}) == op_outcome::refused);
  CHECK(classify_write({true, true, 409}) == op_outcome::refused);
  CHECK(classify_write({true, true, 404}) == op_outcome::refused);
  CHECK(classify_write({true, true, 504}) == op_outcome::unknown);
  CHECK(classify_write({true, true, 500}) == op_outcome::unknown);
  CHECK(classify_write({true, true, 502}) == op_outcome::unknown);
  CHECK(classify_write({false, true, 0}) == op_outcome::unknown);
  CHECK(classify_write({false, false, 0}) == op_outcome::refused);
}

TEST_CASE("additions: lost, invented, refused and doubled ones are found, unknown ones may be either") {
  const std::vector<addition> made = {added(1, op_outcome::ok), added(2, op_outcome::unknown),
                                      added(3, op_outcome::unknown), added(4, op_outcome::refused)};
  CHECK(check_added(made, {1, 2}, "m").empty());
  CHECK(check_added(made, {2}, "m").front() == "m: 1 was acknowledged and is lost");
  CHECK(check_added(made, {1, 4}, "m").front() == "m: 4 was refused and is there all the same");
  CHECK(check_added(made, {1, 9}, "m").front() == "m: 9 is there and nobody added it");
  CHECK(check_added(made, {1, 1}, "m").front().find("was added 2 times") != std::string::npos);
  CHECK(check_added(made, {1, 3, 3}, "m").size() == 1);
}

TEST_CASE("at most twenty lines are said about additions") {
  std::vector<addition> made;
  for (std::uint64_t id = 1; id <= 100; ++id)
    made.push_back(added(id, op_outcome::ok));
  CHECK(check_added(made, {}, "m").size() == 20);
}

TEST_CASE("secrets in logs are found and never shown") {
  const std::vector<secret> secrets = {{"the token", "s3cr3t-value"}, {"nothing", ""}, {"short", "ab"}};
  const auto found =
      find_secrets("fine ab\nt=s3cr3t-value\n-----BEGIN PRIVATE KEY-----\n", secrets, "n1.log");
  REQUIRE(found.size() == 2);
  CHECK(found[0] == "n1.log line 2 shows the token");
  CHECK(found[1] == "n1.log line 3 shows a private key");
}

TEST_CASE("a failover lasts from the fault to the end of the first write called after it") {
  run_record run;
  run.load_until = 10'000 * ms;
  run.events = {
      {1000 * ms, "kill active", true}, {1500 * ms, "start down", false}, {5000 * ms, "pause active", true}};
  // Called before the fault, answered after it: proves nothing about the new active.
  run.ticks = {write(990, 1010), write(1100, 1150, op_outcome::unknown), write(1200, 1300),
               write(1310, 1320)};
  const auto found = failovers(run);
  REQUIRE(found.size() == 2);
  CHECK(found[0].took == 300 * ms);
  CHECK_FALSE(found[1].took.has_value());
}

TEST_CASE("two holders at one sample are a violation, one or none is not") {
  CHECK(check_holders({{1 * ms, {1}}, {2 * ms, {}}, {3 * ms, {2}}}).empty());
  const auto found = check_holders({{7 * ms, {1, 3}}});
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "at 7 ms the virtual address is on members 1 3");
}

TEST_CASE("two members are active at once only when their words prove it") {
  // 1 says so before and after 2 does.
  CHECK(longest_overlap({role(1, 0, true), role(2, 10, true), role(2, 30, true), role(1, 40, true)}).length ==
        19 * ms);
  // 1 said no in between.
  CHECK(longest_overlap(
            {role(1, 0, true), role(1, 5, false), role(2, 10, true), role(2, 30, true), role(1, 40, true)})
            .length == 0);
  // 1 could not be asked in between.
  CHECK(longest_overlap({role(1, 0, true), role(1, 5, false, false), role(2, 10, true), role(2, 30, true),
                         role(1, 40, true)})
            .length == 0);
}

TEST_CASE("latency figures count outcomes apart") {
  const auto found = summarize({write(0, 1),
                                write(0, 3),
                                write(0, 2),
                                write(0, 9, op_outcome::unknown),
                                write(0, 9, op_outcome::refused),
                                {0, ms, false, op_outcome::ok, false}},
                               true);
  CHECK(found.acknowledged == 3);
  CHECK(found.unknown == 1);
  CHECK(found.refused == 1);
  CHECK(found.median_ms == doctest::Approx(2));
  CHECK(found.longest_ms == doctest::Approx(3));
}

TEST_CASE("a frame is cut, delayed, doubled or let past as its rule says") {
  using namespace std::chrono_literals;
  std::mt19937_64 dice(1);
  frame_rule rule;
  CHECK(arrivals(rule, dice) == std::vector<std::chrono::microseconds>{0us});
  rule.delay = 20ms;
  rule.jitter = 5ms;
  rule.duplicate = 100;
  for (int i = 0; i < 100; ++i) {
    const auto found = arrivals(rule, dice);
    REQUIRE(found.size() == 2);
    CHECK(found[0] >= 20ms);
    CHECK(found[0] <= 25ms);
  }
  rule.reorder = 100;
  CHECK(arrivals(rule, dice)[0] == 0us);
  rule.cut = true;
  CHECK(arrivals(rule, dice).empty());
}

TEST_CASE("who led which term is read from a log, and nothing from a line that is cut off") {
  const auto found = leaderships(
      "time=2026-11-26T16:01:07.591246Z level=info event=role now=leader term=3 leader=x index=207\n"
      "time=2026-11-26T16:01:08.000000Z level=info event=role now=follower term=4 leader=x\n"
      "time=2026-11-26T16:01:0 level=info event=role now=leader term=5 leader=x\n"
      "event=role now=leader term=6 \ntime=1970-01-01T00:00:01.000001Z event=role now=leader term=7 x");
  REQUIRE(found.size() == 2);
  CHECK(found[0].term == 3);
  CHECK(found[0].unix_ns % 1'000'000'000 == 591'246'000);
  CHECK(found[1].term == 7);
  CHECK(found[1].unix_ns == 1'000'001'000);
}

TEST_CASE("a leadership belongs to the cluster that its member was of at that time") {
  const auto found = leaderships(
      "time=1970-01-01T00:00:01.000000Z event=role now=leader term=1 leader=x\n"
      "time=1970-01-01T00:00:02.000000Z level=info event=consensus_started node=x cluster=own term=0\n"
      "time=1970-01-01T00:00:03.000000Z event=role now=leader term=1 leader=x\n"
      "time=1970-01-01T00:00:04.000000Z level=info event=consensus_started node=x cluster=joined term=1\n"
      "time=1970-01-01T00:00:05.000000Z event=role now=leader term=2 leader=x\n");
  REQUIRE(found.size() == 3);
  CHECK(found[0].cluster.empty());
  CHECK(found[1].cluster == "own");
  CHECK(found[2].cluster == "joined");
}

TEST_CASE("no term of a cluster has two leaders, in whatever order their logs show it") {
  CHECK(check_leaders({{0, 1, 2, "a"}, {1, 2, 3, "a"}, {2, 1, 4, "a"}}).empty());
  CHECK(check_leaders({{0, 1, 2, "a"}, {9, 1, 2, "a"}}).empty()); // one and the same
  CHECK(check_leaders({{0, 1, 2, "a"}, {1, 2, 2, "b"}}).empty()); // not of one cluster
  const auto found = check_leaders({{0, 1, 2, "a"}, {1, 3, 5, "a"}, {2, 2, 5, "a"}});
  REQUIRE(found.size() == 1);
  CHECK(found.front() == "members 3 and 2 both led term 5");
  std::vector<term_start> many;
  for (std::uint64_t term = 1; term <= 30; ++term) {
    many.push_back({0, 1, term, "a"});
    many.push_back({0, 2, term, "a"});
  }
  CHECK(check_leaders(many).size() == 20);
}

TEST_CASE("two members that acknowledge in turns must have led in turns") {
  const auto ack = [](unsigned member, std::int64_t called, std::int64_t returned) {
    return acknowledgement{called * ms, returned * ms, member};
  };
  const std::vector<term_start> once = {{0, 1, 2}, {100 * ms, 2, 3}};
  const auto judge_them = [](std::vector<acknowledgement> all, const std::vector<term_start>& starts) {
    return check_writers(std::move(all), starts, 0).size();
  };
  CHECK(judge_them({ack(1, 10, 20), ack(1, 90, 210), ack(2, 150, 160)}, once) == 0);
  // Called before the other's answer came: it may have taken effect before.
  CHECK(judge_them({ack(2, 150, 160), ack(1, 155, 170)}, once) == 0);
  // A deposed member still acknowledges.
  CHECK(judge_them({ack(2, 150, 160), ack(1, 161, 170)}, once) == 1);
  const auto found = check_writers({ack(2, 150, 160), ack(1, 161, 170)}, once, 0);
  CHECK(found.front() ==
        "member 1 acknowledged a write called at 161 ms although member 2 had acknowledged one "
        "in term 3 at 160 ms");
  // It came back.
  CHECK(judge_them({ack(2, 150, 160), ack(1, 161, 170)}, {once[0], once[1], {165 * ms, 1, 4}}) == 0);
  // Not yet at that time, and only once: then the other one was no writer any more.
  CHECK(judge_them({ack(2, 150, 160), ack(1, 161, 170)}, {once[0], once[1], {175 * ms, 1, 4}}) == 1);
  CHECK(judge_them({ack(2, 150, 160), ack(1, 161, 170), ack(2, 171, 175)},
                   {once[0], once[1], {165 * ms, 1, 4}}) == 1);
  // Before it led anything.
  CHECK(judge_them({ack(2, 10, 20)}, once) == 1);
  CHECK(judge_them({ack(3, 10, 20)}, once) == 1);
}

TEST_CASE("folders are compared byte for byte") {
  const scratch at;
  const auto a = at.folder("a", {{"log.1", "same"}, {"base.1", "b"}});
  const auto b = at.folder("b", {{"log.1", "same"}, {"base.1", "b"}});
  const auto c = at.folder("c", {{"log.1", "sAme"}});
  const auto d = at.folder("d", {{"log.1", "same"}, {"base.1", "b"}, {"log.2", ""}});
  CHECK(compare_folders({a, b}).empty());
  CHECK(compare_folders({a, c}).size() == 2);
  CHECK(compare_folders({a, d}).size() == 1);
  CHECK(compare_folders({}).empty());
}

TEST_CASE("a run is judged: sound, broken, and broken on purpose") {
  const scratch at;
  scenario what;
  run_record run;
  run.load_until = 1000 * ms;
  run.ticks = {write(0, 1)};
  run.set = {added(1, op_outcome::ok)};
  member_state one;
  one.number = 1;
  one.reached = true;
  one.wal = at.folder("w1", {{"log.1", "x"}});
  one.set = {1};
  one.state = "5eed at index 9";
  auto two = one;
  two.number = 2;
  CHECK(judge(what, run, {one, two}, {}).passed);
  CHECK_FALSE(judge(what, run, {one, two}, {"a client failed"}).passed);

  two.set.clear();
  auto verdict = judge(what, run, {one, two}, {});
  CHECK_FALSE(verdict.passed);
  CHECK_FALSE(named_check(verdict, "no-lost-write").passed);
  CHECK(named_check(verdict, "linearizable").passed);
  // Nobody left to ask: what was acknowledged is lost.
  CHECK_FALSE(named_check(judge(what, run, {}, {}), "no-lost-write").passed);

  expectation must_fail;
  must_fail.kind = expectation_kind::violation;
  must_fail.word = "no-lost-write";
  what.expectations = {must_fail};
  CHECK(judge(what, run, {one, two}, {}).passed);
  two.set = {1};
  CHECK_FALSE(judge(what, run, {one, two}, {}).passed);

  two.chain = "other";
  what.expectations.clear();
  CHECK_FALSE(named_check(judge(what, run, {one, two}, {}), "equal-logs").passed);
  two.chain.clear();
  two.state = "0bad at index 9";
  CHECK_FALSE(named_check(judge(what, run, {one, two}, {}), "equal-states").passed);
  two.state.clear();
  CHECK_FALSE(named_check(judge(what, run, {one, two}, {}), "equal-states").passed);
}

TEST_CASE("expectations are judged against their bounds") {
  const scratch at;
  scenario what;
  run_record run;
  run.load_until = 1000 * ms;
  run.events = {{100 * ms, "kill active", true}};
  run.ticks = {write(150, 350), write(400, 401, op_outcome::unknown)};
  member_state one;
  one.reached = true;
  one.state = "5eed at index 9";
  one.wal = at.folder("w", {});
  const auto passes = [&](expectation_kind kind, std::int64_t time, unsigned number) {
    expectation e;
    e.kind = kind;
    e.time = milliseconds{time};
    e.number = number;
    what.expectations = {e};
    return judge(what, run, {one}, {}).passed;
  };
  CHECK(passes(expectation_kind::failover_below, 251, 0));
  CHECK_FALSE(passes(expectation_kind::failover_below, 249, 0));
  CHECK(passes(expectation_kind::acknowledged, 0, 1));
  CHECK_FALSE(passes(expectation_kind::acknowledged, 0, 2));
  CHECK_FALSE(passes(expectation_kind::no_failed, 0, 0));
  run.ticks.pop_back();
  CHECK(passes(expectation_kind::no_failed, 0, 0));
}

TEST_CASE("what is read from JSON, also from what is none") {
  CHECK(text_of("\"id\"") == "id");
  CHECK(text_of("{").empty());
  CHECK(member_of(R"({"a":1,"b":"x"})", "b") == "x");
  CHECK(member_of(R"({"a":1})", "a") == "1");
  CHECK_FALSE(member_of("[]", "a").has_value());
  CHECK(with_members(R"({"a":1})", {{"b", "true"}, {"a", json_string("q\"")}}) == R"({"a":"q\"","b":true})");
  CHECK(named(R"([{"Name":"p-1","Description":"7"},{"Name":"q"},3])", "p-").at("p-1") == "7");
  CHECK(named("nonsense", "p-").empty());
  CHECK(logged(R"([{"Name":"l-0","Params":{"log":[1,2,"x"]}},{"Name":"l-1","Params":{}}])", "l-") ==
        std::vector<std::uint64_t>{1, 2});
  CHECK(column(R"([{"I":"a"},{}])", "I") == std::vector<std::string>{"a", ""});
}

TEST_CASE("a log that shows the token or a root key of its member's state file is found") {
  const scratch at;
  const auto member = at.folder(
      "member", {{"ha-state.json", R"({"Token":"made-up-token","Roots":[{"Data":[],"Key":"made-up-key"}]})"},
                 {"log", "who=made-up-token\nkey=made-up-key\nfine\n"}});
  member_state one;
  one.number = 1;
  one.reached = true;
  one.wal = at.folder("member/wal", {});
  one.log = member / "log";
  const auto found = named_check(judge({}, {}, {one}, {}), "no-secret");
  REQUIRE(found.details.size() == 2);
  CHECK(found.details[0] == "log line 1 shows the cluster's token");
  CHECK(found.details[1] == "log line 2 shows a root's key");
}
