#include "sim/run.hpp"

#include "sim/clients.hpp"
#include "sim/nemesis.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace holdfast::raft::sim {

namespace {

struct current_run {
  std::uint64_t seed = 0;
  const world* in = nullptr;
};
thread_local current_run current;

/// Everything that a run consists of.
class run {
public:
  run(std::uint64_t seed, const options& drawn, bool trace)
      : world_(mix64(seed), drawn, trace), clients_(world_), nemesis_(world_) {
    clients_.pass_on([this](const proposal_outcome& what) { nemesis_.outcome(what); });
  }

  const world& in() const { return world_; }
  const clients& by() const { return clients_; }

  void safety_phase() {
    clients_.begin();
    nemesis_.begin();
    const auto until = true_time{} + world_.drawn().safety_phase;
    while (world_.now() < until)
      world_.advance();
  }

  /// Faults end. A random core, or everybody, must serve again within the budget.
  void liveness_phase() {
    nemesis_.retire();
    if (world_.drawn().idle_end)
      clients_.retire();
    const bool everybody = world_.random().per_mille(500);
    core_ = nemesis_.choose_core(everybody);
    for (std::size_t slot = 0; slot < core_.size(); ++slot)
      settle(slot);
    world_.trace.note("liveness phase", -1, -1, everybody ? 1 : 0);
    // Progress starts the budget anew, for a while: an error may end a process late, and what it applies
    // again comes from a slow disk in small pieces.
    constexpr int most_budgets = 5;
    const auto budget = world_.drawn().liveness_budget;
    const auto last = world_.now() + budget * most_budgets;
    auto until = world_.now() + budget;
    auto behind = lagging();
    auto next_look = world_.now();
    while (true) {
      world_.advance();
      if (world_.now() < next_look)
        continue;
      next_look = world_.now() + 100ms;
      if (const bool served = clients_.probe(); served && quiet(everybody))
        return;
      const auto now_behind = lagging();
      if (now_behind && behind && now_behind->first == behind->first && now_behind->second > behind->second)
        until = std::min(last, world_.now() + budget);
      behind = now_behind;
      if (world_.now() > until)
        throw violation{"liveness", "no progress within the budget: " + standstill(everybody) + describe()};
    }
  }

private:
  void settle(std::size_t slot) {
    auto& on = world_.nodes[slot];
    if (!on.used)
      return;
    if (!core_[slot]) {
      world_.crash(slot, true, 0s);
      on.barred = true;
    } else if (!on.running()) {
      world_.after(world_.random().between(0us, 500'000us), [this, slot] {
        if (world_.nodes[slot].used && !world_.nodes[slot].running())
          world_.boot_server(slot);
      });
    }
  }

  /// Every server in a line, for the report.
  std::string describe() const {
    std::string result;
    for (std::size_t slot = 0; slot < world_.nodes.size(); ++slot) {
      const auto& on = world_.nodes[slot];
      if (!on.used)
        continue;
      result += "\n  n" + std::to_string(slot) + (core_[slot] ? " core " : " ");
      if (!on.running()) {
        result += "down";
        continue;
      }
      const auto now = on.brain->status();
      result += std::string{to_string(now.what)} + " term " + std::to_string(now.term.value) + " commit " +
                std::to_string(now.commit.value) + " durable " + std::to_string(now.durable.value) +
                " last " + std::to_string(now.last.value) + (now.recovering ? " recovering" : "") +
                (now.disk_stalled ? " stalled" : "") + (on.brain->members().joint ? " joint" : "") +
                " voters";
      for (const auto& one : on.brain->members().members)
        if (const auto of = world_.slot_of(one.id))
          result += " " + std::to_string(*of) + (one.voter ? "v" : "") + (one.outgoing ? "o" : "") +
                    (one.votes() ? "" : "l");
    }
    return result;
  }

  /// The first server of the core that is behind in applying, and how far it is.
  std::optional<std::pair<std::size_t, std::uint64_t>> lagging() const {
    const auto leads = world_.leader();
    if (!leads)
      return std::nullopt;
    const auto& leader = *world_.nodes[*leads].brain;
    for (std::size_t slot = 0; slot < core_.size(); ++slot) {
      const auto& on = world_.nodes[slot];
      if (core_[slot] && on.used && leader.members().find(on.id) != nullptr &&
          (!on.running() || on.state.applied() + may_lag < leader.commit_index().value))
        return std::pair{slot, on.running() ? on.state.applied() : 0};
    }
    return std::nullopt;
  }

  /// What must be true in the end besides that a client was served.
  bool quiet(bool everybody) const { return standstill(everybody).empty(); }

  std::string standstill(bool everybody) const {
    const auto leads = world_.leader();
    if (!leads)
      return "nobody leads";
    const auto& leader = world_.nodes[*leads];
    if (leader.brain->members().joint)
      return "the joint configuration is not left";
    if (!world_.check.leases.held(*leads, world_.now()))
      return "the leader holds no lease";
    if (const auto behind = lagging())
      return "server " + std::to_string(behind->first) + " does not catch up";
    for (std::size_t slot = 0; slot < core_.size(); ++slot) {
      const auto& on = world_.nodes[slot];
      if (core_[slot] && on.used && leader.brain->members().find(on.id) != nullptr && everybody &&
          on.brain->state().recovering)
        return "server " + std::to_string(slot) + " does not heal";
    }
    return "";
  }

  static constexpr std::uint64_t may_lag = 20; ///< entries, while clients write
  world world_;
  clients clients_;
  nemesis nemesis_;
  std::vector<bool> core_;
};

} // namespace

run_result run_seed(std::uint64_t seed, bool trace) {
  const auto drawn = draw_options(seed);
  run_result result;
  result.seed = seed;
  result.options = drawn.text();
  run simulated{seed, drawn, trace};
  current = {seed, &simulated.in()};
  try {
    simulated.safety_phase();
    simulated.liveness_phase();
  } catch (const violation& seen) {
    result.failed = true;
    result.failure = seen.what();
    result.tail = simulated.in().trace.tail();
  }
  current = {};
  result.events = simulated.in().trace.step();
  result.trace_hash = simulated.in().trace.hash();
  result.simulated = simulated.in().now().time_since_epoch();
  result.marks = simulated.in().marks;
  result.writes = simulated.by().writes_done();
  result.reads = simulated.by().reads_done();
  return result;
}

void print_current_run() {
  if (current.in == nullptr)
    return;
  std::fprintf(stderr,
               "%sFAILED seed %llu at step %llu: an assertion of the program failed\nreplay: raft_sim --seed "
               "%llu --trace\n",
               current.in->trace.tail().c_str(), static_cast<unsigned long long>(current.seed),
               static_cast<unsigned long long>(current.in->trace.step()),
               static_cast<unsigned long long>(current.seed));
}

} // namespace holdfast::raft::sim
