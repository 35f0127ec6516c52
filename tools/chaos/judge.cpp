#include "tools/chaos/judge.hpp"

#include "tools/chaos/api_password.hpp"
#include "tools/chaos/json_edit.hpp"
#include "tools/chaos/linearizability.hpp"
#include "tools/chaos/secrets.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

check_result finish(std::string name, std::string summary, std::vector<std::string> details) {
  return {std::move(name), details.empty(), std::move(summary), std::move(details)};
}

check_result judge_registers(const run_record& run) {
  const auto found = check_linearizable(run.registers);
  check_result out;
  out.name = "linearizable";
  out.passed = found.what == verdict::linearizable;
  out.summary = std::to_string(found.operations) + " operations";
  if (!out.passed) {
    out.summary += found.what == verdict::undecided ? ", undecided at key " : ", no order for key ";
    out.summary += std::to_string(found.key);
    std::istringstream lines(found.explanation);
    for (std::string line; std::getline(lines, line);)
      out.details.push_back(line);
  }
  return out;
}

check_result judge_additions(const run_record& run, const std::vector<member_state>& members) {
  std::vector<std::string> details;
  const bool acknowledged = summarize(run.ticks, true).acknowledged > 0;
  if (acknowledged &&
      std::none_of(members.begin(), members.end(), [](const auto& one) { return one.reached; }))
    details.emplace_back("writes were acknowledged and no member serves any more");
  for (const auto& one : members) {
    if (!one.reached)
      continue;
    const auto where = "member " + std::to_string(one.number);
    append(details, check_added(run.set, one.set, where + ", set"));
    append(details, check_added(run.appended, one.list, where + ", list"));
  }
  return finish("no-lost-write",
                std::to_string(run.set.size()) + " in sets and " + std::to_string(run.appended.size()) +
                    " in lists, read back on " + std::to_string(members.size()) + " members",
                std::move(details));
}

check_result judge_retries(const run_record& run) {
  std::vector<std::string> details;
  std::size_t repeated = 0;
  for (const auto* made : {&run.set, &run.appended}) {
    for (const auto& one : *made) {
      repeated += one.attempts > 1 ? 1 : 0;
      if (one.contradicted)
        details.push_back(std::to_string(one.id) + " was acknowledged and its repeat refused (" + one.note +
                          ")");
    }
  }
  return finish("retries-once", std::to_string(repeated) + " repeated under their Idempotency-Key",
                std::move(details));
}

check_result judge_files(const std::vector<member_state>& members) {
  std::vector<fs::path> folders;
  std::vector<std::string> details;
  std::set<std::string> chains;
  for (const auto& one : members) {
    if (!one.reached) {
      details.push_back("member " + std::to_string(one.number) + " does not answer although all is healed");
      continue;
    }
    folders.push_back(one.wal);
    chains.insert(one.chain);
  }
  append(details, compare_folders(folders));
  if (chains.size() > 1)
    details.push_back("the digests of the logs at the same index differ");
  return finish("equal-logs", std::to_string(folders.size()) + " members at rest", std::move(details));
}

/// Not the bytes of the log but what each member made of them.
check_result judge_states(const std::vector<member_state>& members) {
  std::vector<std::string> details;
  const member_state* first = nullptr;
  for (const auto& one : members) {
    if (!one.reached)
      continue;
    if (one.state.empty())
      details.push_back("member " + std::to_string(one.number) + " does not tell its state's hash");
    else if (first && one.state != first->state)
      details.push_back("member " + std::to_string(one.number) + " holds " + one.state + ", member " +
                        std::to_string(first->number) + " holds " + first->state);
    else if (!first)
      first = &one;
  }
  return finish("equal-states", first ? first->state : "no member", std::move(details));
}

check_result judge_writers(const run_record& run) {
  constexpr std::int64_t clocks_apart = 100'000'000;
  const auto slack = run.true_clocks ? clocks_apart : std::numeric_limits<std::int64_t>::max();
  auto details = check_writers(run.acknowledged, run.terms, slack);
  if (const auto overlap = longest_overlap(run.roles); overlap.length > 0)
    details.push_back("members " + std::to_string(overlap.first) + " and " + std::to_string(overlap.second) +
                      " both called themselves active for " + std::to_string(overlap.length / 1'000'000) +
                      " ms");
  return finish("one-writer",
                std::to_string(run.acknowledged.size()) + " acknowledged writes under " +
                    std::to_string(run.terms.size()) + " leaders, " + std::to_string(run.roles.size()) +
                    " looks",
                std::move(details));
}

check_result judge_leaders(const run_record& run) {
  return finish("one-leader", std::to_string(run.terms.size()) + " leaderships in the members' logs",
                check_leaders(run.terms));
}

/// What no log of this member may show: the password, and the token and root keys it holds at the end.
std::vector<secret> secrets_of(const member_state& member) {
  std::vector<secret> out = {{"the password", api_password}};
  const auto state = content(member.wal.parent_path() / "ha-state.json");
  out.push_back({"the cluster's token", member_of(state, "Token").value_or("")});
  for (auto& key : column(member_of(state, "Roots").value_or("[]"), "Key"))
    out.push_back({"a root's key", std::move(key)});
  return out;
}

check_result judge_secrets(const std::vector<member_state>& members) {
  std::vector<std::string> details;
  for (const auto& one : members) {
    const auto secrets = secrets_of(one);
    append(details, find_secrets(content(one.log), secrets, one.log.filename().string()));
  }
  return finish("no-secret", "logs of " + std::to_string(members.size()) + " members", std::move(details));
}

check_result judge_expectation(const expectation& one, const run_record& run,
                               const std::vector<failover>& all) {
  const auto writes = summarize(run.ticks, true);
  if (one.kind == expectation_kind::acknowledged) {
    std::vector<std::string> details;
    if (writes.acknowledged < one.number)
      details.push_back("expected at least " + std::to_string(one.number));
    return finish("acknowledged", std::to_string(writes.acknowledged) + " writes", std::move(details));
  }
  if (one.kind == expectation_kind::no_failed) {
    const auto failed =
        std::count_if(run.ticks.begin(), run.ticks.end(), [](const tick& each) { return each.failed; });
    std::vector<std::string> details;
    if (failed > 0)
      details.push_back(std::to_string(failed) +
                        " requests got 5xx, or no answer from a member that was there");
    if (failed > 0)
      append(details, run.failures);
    return finish("no-failed-request", std::to_string(run.ticks.size()) + " requests", std::move(details));
  }
  std::vector<std::string> details;
  std::int64_t longest = 0;
  for (const auto& each : all) {
    if (!each.took || *each.took > one.time.count() * 1'000'000)
      details.push_back("after '" + each.after + "': " +
                        (each.took ? std::to_string(*each.took / 1'000'000) + " ms" : "no write any more"));
    longest = std::max(longest, each.took.value_or(0));
  }
  return finish("failover",
                std::to_string(all.size()) + " times, longest " + std::to_string(longest / 1'000'000) +
                    " ms, bound " + std::to_string(one.time.count()) + " ms",
                std::move(details));
}

} // namespace

std::vector<std::string> compare_folders(const std::vector<fs::path>& folders) {
  std::vector<std::string> out;
  std::map<std::string, std::string> first;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(folders[i]))
      files[entry.path().filename().string()] = content(entry.path());
    if (i == 0) {
      first = std::move(files);
      continue;
    }
    for (const auto& [name, bytes] : first) {
      const auto at = files.find(name);
      if (at == files.end())
        out.push_back(folders[i].string() + " lacks " + name);
      else if (at->second != bytes)
        out.push_back(name + " differs between " + folders[0].string() + " and " + folders[i].string());
    }
    for (const auto& [name, bytes] : files) {
      if (!first.contains(name))
        out.push_back(folders[0].string() + " lacks " + name);
    }
  }
  return out;
}

judged judge(const scenario& what, const run_record& run, const std::vector<member_state>& members,
             const std::vector<std::string>& troubles) {
  judged out;
  out.failovers = failovers(run);
  out.checks = {judge_registers(run), judge_additions(run, members), judge_retries(run),
                judge_files(members), judge_states(members),         judge_writers(run),
                judge_leaders(run),   judge_secrets(members)};
  if (what.cluster.virtual_ip)
    out.checks.push_back(
        finish("one-holder", std::to_string(run.holders.size()) + " samples", check_holders(run.holders)));
  out.checks.push_back(finish("recovered", "all healed, all members serve", troubles));
  std::string must_fail;
  for (const auto& one : what.expectations) {
    if (one.kind == expectation_kind::violation)
      must_fail = one.word;
    else
      out.checks.push_back(judge_expectation(one, run, out.failovers));
  }
  if (must_fail.empty()) {
    out.passed =
        std::all_of(out.checks.begin(), out.checks.end(), [](const auto& one) { return one.passed; });
    return out;
  }
  out.passed = std::any_of(out.checks.begin(), out.checks.end(), [&](const auto& one) {
    const bool counts = must_fail == "any" ? one.name == "linearizable" || one.name == "no-lost-write"
                                           : one.name == must_fail;
    return counts && !one.passed;
  });
  return out;
}

} // namespace holdfast::chaos
