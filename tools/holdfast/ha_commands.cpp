// system ha: status and membership of the cluster (contract §8.2, §8.3).
#include "tools/holdfast/commands.hpp"

#include <cctype>
#include <ostream>

namespace holdfast::cli {

namespace {

struct ha_words {
  std::string first;
  std::vector<std::string> rest;
};

void add_reads(CLI::App& ha, context& c) {
  struct row {
    const char* verb;
    const char* path;
    const char* help;
  };
  static constexpr row rows[] = {
      {"id", "system/consensus/id", "the consensus id of the node spoken to"},
      {"leader", "system/consensus/leader", "the consensus id of the leader"},
      {"active", "system/consensus/active", "the consensus id of the node that serves; empty: none"},
      {"peers", "system/consensus/peers", "all members"},
      {"state", "system/consensus/state", "the HA state of the node spoken to"},
      {"dump", "system/consensus/fullstate", "the visible part of the replicated cluster state"},
      {"verify", "system/consensus/verify", "digests of the log files, for comparing members"},
  };
  for (const auto& r : rows) {
    const std::string path = r.path;
    ha.add_subcommand(r.verb, r.help)->callback([path, &c] { c.print(c.server().get(path)); });
  }
}

void add_fail_over_safe(CLI::App& ha, context& c) {
  auto w = std::make_shared<ha_words>();
  auto* safe = ha.add_subcommand("failOverSafe", "would a failover now lose nothing? waits up to 5s if told");
  safe->add_option("wait", w->first, "50ms to 5s; a bare number is seconds");
  safe->callback([w, &c] {
    query q;
    if (!w->first.empty()) {
      const long long ms = duration_ms(w->first);
      if (ms < 50 || ms > 5000) {
        throw failure{"the wait must be between 50ms and 5s, not " + w->first};
      }
      q.emplace_back("waitFor", std::to_string(ms) + "ms");
    }
    c.print(c.server().send("POST", "system/consensus/failOverSafe", "", std::move(q)));
  });
}

} // namespace

long long duration_ms(const std::string& word) {
  struct unit {
    const char* name;
    double ms;
  };
  static constexpr unit units[] = {{"", 1e3},      {"ns", 1e-6},    {"us", 1e-3},    {"ms", 1.0},
                                   {"s", 1e3},     {"m", 6e4},      {"h", 3.6e6},    {"d", 8.64e7},
                                   {"w", 6.048e8}, {"mo", 2.592e9}, {"y", 3.1536e10}};
  std::size_t used = 0;
  double number = 0;
  try {
    number = std::stod(word, &used);
  } catch (const std::exception&) {
    throw failure{"'" + word +
                  "' is not a duration: expected a number and ns, us, ms, s, m, h, d, w, mo or y"};
  }
  const std::string name = word.substr(used);
  for (const auto& u : units) {
    if (name == u.name && number >= 0) {
      return static_cast<long long>(number * u.ms);
    }
  }
  throw failure{"'" + word + "' is not a duration: expected a number and ns, us, ms, s, m, h, d, w, mo or y"};
}

void add_ha_commands(CLI::App& ha, context& c) {
  add_reads(ha, c);
  add_fail_over_safe(ha, c);
}

} // namespace holdfast::cli
