// system ha: status and membership of the cluster (contract §8.2, §8.3).
#include "tools/holdfast/commands.hpp"

#include <algorithm>
#include <chrono>
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

/// One member's digest, asked of the member itself; a row that says why when it cannot be had.
document digest_of(context& c, const std::string& url, const std::string& id, std::uint64_t index) {
  settings elsewhere = c.config;
  if (!url.empty()) {
    elsewhere.endpoints = {url};
  }
  try {
    query q;
    if (index != 0) {
      q.emplace_back("index", std::to_string(index));
    }
    auto how = c.make_transport();
    how->be_brief(std::chrono::seconds(3));
    session other{std::move(elsewhere), std::move(how)};
    return other.get("system/consensus/verify", std::move(q));
  } catch (const failure& error) {
    document row{rapidjson::kObjectType};
    row.AddMember("ConsensusID", value{id.c_str(), row.GetAllocator()}, row.GetAllocator());
    row.AddMember("Error", value{error.what(), row.GetAllocator()}, row.GetAllocator());
    return row;
  }
}

std::string text_in(const value& row, const char* name) {
  const auto found = row.FindMember(name);
  return found != row.MemberEnd() && found->value.IsString() ? found->value.GetString() : "";
}

std::uint64_t number_in(const value& row, const char* name) {
  const auto found = row.FindMember(name);
  return found != row.MemberEnd() && found->value.IsUint64() ? found->value.GetUint64() : 0;
}

/// Asks every member twice: how far its log is durable, then the chain value at the highest index all of them
/// have.
void verify_members(context& c) {
  const document peers = c.server().get("system/consensus/peers");
  std::uint64_t common = 0;
  for (const auto& peer : peers.GetArray()) {
    const auto synced =
        number_in(digest_of(c, text_in(peer, "ApiUrl"), text_in(peer, "ConsensusID"), 0), "SyncedIndex");
    if (synced != 0) {
      common = common == 0 ? synced : std::min(common, synced);
    }
  }
  document rows{rapidjson::kArrayType};
  std::string chain;
  bool equal = true;
  bool complete = true;
  for (const auto& peer : peers.GetArray()) {
    const document row = digest_of(c, text_in(peer, "ApiUrl"), text_in(peer, "ConsensusID"), common);
    const auto own = text_in(row, "Chain");
    complete = complete && !own.empty();
    equal = equal && (own.empty() || chain.empty() || own == chain);
    chain = own.empty() ? chain : own;
    rows.PushBack(value{row, rows.GetAllocator()}, rows.GetAllocator());
  }
  c.print(rows);
  if (!equal) {
    throw failure{"the logs differ at index " + std::to_string(common) +
                  ": stop the member that differs from the majority, remove it and enrol it anew"};
  }
  if (!complete) {
    throw failure{"not every member could be asked; see Error in its row"};
  }
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
  if (word == "never") {
    return duration_ms("100y");
  }
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
    if (name == u.name && number >= 0 && number * u.ms < 1e16) {
      return static_cast<long long>(number * u.ms);
    }
  }
  throw failure{"'" + word + "' is not a duration: expected a number and ns, us, ms, s, m, h, d, w, mo or y"};
}

void add_ha_commands(CLI::App& ha, context& c) {
  add_reads(ha, c);
  add_fail_over_safe(ha, c);
  add_enrol_commands(ha, c);
  add_doctor_command(ha, c);
  ha.add_subcommand("verify", "compare the log of every member at one index, while they run")->callback([&c] {
    verify_members(c);
  });
}

} // namespace holdfast::cli
