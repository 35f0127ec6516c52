#include "tools/chaos/report.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <sstream>

using namespace holdfast::chaos;

namespace {

run_outcome a_run() {
  run_outcome run;
  run.what.story = "A <story> & more";
  run.what.file = "f.chaos";
  run.record.load_from = 1'000'000'000;
  run.record.load_until = 3'000'000'000;
  run.record.ticks = {{1'100'000'000, 1'104'000'000, true, op_outcome::ok},
                      {1'200'000'000, 2'200'000'000, true, op_outcome::unknown}};
  run.record.events = {{1'150'000'000, "kill active [1]", true}};
  run.record.roles = {{1'100'000'000, 1'101'000'000, 1, true, true}};
  operation op;
  op.kind = op_kind::put;
  op.value = 5;
  op.called = 1'200'000'000;
  run.record.registers = {op};
  run.verdict.checks = {{"linearizable", false, "1 operations, no order for key 0", {"client 0 key 0 …"}}};
  run.verdict.passed = false;
  run.verdict.failovers = {{1'150'000'000, "kill active [1]", 250'000'000}};
  return run;
}

} // namespace

TEST_CASE("the summary says what failed and how to repeat it") {
  const auto text = summary_text(a_run(), "holdfast-chaos run --seed 1 f.chaos");
  CHECK(text.starts_with("FAILED  A <story> & more"));
  CHECK(text.find("BAD  linearizable") != std::string::npos);
  CHECK(text.find("client 0 key 0") != std::string::npos);
  CHECK(text.find("250 ms after 'kill active [1]'") != std::string::npos);
  CHECK(text.find("repeat: holdfast-chaos run --seed 1 f.chaos") != std::string::npos);
  auto passed = a_run();
  passed.verdict.passed = true;
  CHECK(summary_text(passed, "again").find("again") == std::string::npos);
  passed.error = "interrupted";
  CHECK(summary_text(passed, "again").starts_with("FAILED"));
}

TEST_CASE("each line for machines is one JSON object with its kind") {
  std::istringstream lines(json_lines(a_run()));
  std::vector<std::string> kinds;
  for (std::string line; std::getline(lines, line);) {
    rapidjson::Document doc;
    doc.Parse(line.c_str());
    REQUIRE(doc.IsObject());
    kinds.emplace_back(doc["kind"].GetString());
    if (kinds.back() == "operation")
      CHECK_FALSE(doc.HasMember("returned_ns")); // unknown: it may take effect at any later time
  }
  CHECK(kinds == std::vector<std::string>{"event", "operation", "role", "check", "verdict"});
}

TEST_CASE("the page has the plot and escapes what it shows") {
  const auto page = html_page(a_run(), "again");
  CHECK(page.find("A &lt;story&gt; &amp; more") != std::string::npos);
  CHECK(page.find("<story>") == std::string::npos);
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("<circle") != std::string::npos);
  CHECK(page.find("kill active [1]") != std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
}
