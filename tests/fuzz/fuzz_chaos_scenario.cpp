// A scenario file: reading and planning must not crash whatever it holds.
#include "tests/fuzz/seeds.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/chaos/scenario_parser.hpp"

using namespace holdfast::chaos;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto what = parse_scenario({reinterpret_cast<const char*>(data), size}, "fuzz.chaos");
    static_cast<void>(make_plan(what, 1));
    static_cast<void>(missing_for(what, {}));
  } catch (const scenario_error&) { // the way a bad file is refused
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {"scenario \"s\"\nkill active\n", "scenario \"s\"\nlet a = 2s\nrepeat 3\nwait $a\nend\n",
        "scenario \"s\"\ncluster members 5 place namespaces\nswarm for 60s every 1s to 2s of kill cut "
        "member\n",
        "scenario \"s\"\nworkload clients 2 put 5 get 5\nclock any -30s\nactor kill replay at 2\nexpect "
        "failover below 2s\n"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
