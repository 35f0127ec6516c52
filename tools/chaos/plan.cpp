#include "tools/chaos/plan.hpp"

#include "tools/chaos/scenario_words.hpp"

#include <algorithm>

namespace holdfast::chaos {

namespace {

constexpr std::size_t most_steps = 100'000;

/// SplitMix64 (Steele, Lea, Flood 2014): the same on every machine, unlike the distributions of <random>.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  milliseconds between(milliseconds low, milliseconds high) {
    return low + milliseconds{below(static_cast<std::uint64_t>((high - low).count()) + 1)};
  }

private:
  std::uint64_t state_;
};

class planner {
public:
  explicit planner(std::uint64_t seed) : dice_(seed) {}

  std::vector<step> run(const scenario& what) {
    all_ = &what;
    add_all(what.steps);
    return std::move(out_);
  }

private:
  [[noreturn]] void refuse(unsigned line) const {
    throw scenario_error(all_->file + ":" + std::to_string(line) + ":1: expected at most 100000 steps");
  }

  void add(step fresh) {
    if (out_.size() >= most_steps)
      refuse(fresh.line);
    out_.push_back(std::move(fresh));
  }

  void add_all(const std::vector<step>& steps) {
    for (const auto& one : steps) {
      if (one.kind == step_kind::repeat) {
        for (unsigned i = 0; i < one.times; ++i) {
          if (++rounds_ > most_steps) // empty rounds add no step
            refuse(one.line);
          add_all(one.body);
        }
      } else if (one.kind == step_kind::swarm) {
        add_swarm(one);
      } else {
        add(one);
      }
    }
  }

  void act(unsigned line, action_kind what, target who = {}, target other = {}, unsigned amount = 0,
           std::string word = {}) {
    step fresh;
    fresh.kind = step_kind::act;
    fresh.line = line;
    fresh.act.what = what;
    fresh.act.who = who;
    fresh.act.other = other;
    fresh.act.amount = amount;
    fresh.act.word = std::move(word);
    fresh.act.line = line;
    fresh.act.drawn = true;
    add(std::move(fresh));
  }

  void pause(unsigned line, milliseconds time) {
    step fresh;
    fresh.kind = step_kind::wait;
    fresh.time = time;
    fresh.line = line;
    add(std::move(fresh));
  }

  target draw_target() {
    static constexpr target_kind kinds[] = {target_kind::active, target_kind::active, target_kind::passive,
                                            target_kind::any, target_kind::minority};
    return {kinds[dice_.below(std::size(kinds))], 0};
  }

  /// One fault in four periods is none; one in four is joined by a second.
  void add_swarm(const step& from) {
    const auto& swarm = from.swarm;
    milliseconds spent{0};
    while (spent < swarm.length) {
      const unsigned faults = dice_.below(4) == 0 ? 0 : dice_.below(4) == 0 ? 2 : 1;
      for (unsigned i = 0; i < faults; ++i)
        start_fault(from.line, swarm.faults[dice_.below(swarm.faults.size())]);
      const auto hold = dice_.between(swarm.shortest, swarm.longest);
      pause(from.line, hold);
      spent += hold;
      act(from.line, action_kind::heal);
      act(from.line, action_kind::resume, {target_kind::all, 0});
      if (dice_.below(4) != 0)
        act(from.line, action_kind::start, {target_kind::down, 0});
      const auto rest = dice_.between(swarm.shortest, swarm.longest);
      pause(from.line, rest);
      spent += rest;
    }
    act(from.line, action_kind::start, {target_kind::down, 0});
  }

  void start_fault(unsigned line, const std::string& fault) {
    static constexpr const char* shapes[] = {"halves", "ring", "bridge"};
    const auto who = draw_target();
    if (fault == "kill" || fault == "term" || fault == "pause" || fault == "isolate")
      act(line, find_action(fault)->what, dice_.below(16) == 0 ? target{target_kind::all, 0} : who);
    else if (fault == "cut" || fault == "block")
      act(line, find_action(fault)->what, who, {target_kind::any, 0});
    else if (fault == "partition")
      act(line, action_kind::partition, {}, {}, 0, shapes[dice_.below(3)]);
    else if (fault == "lose")
      act(line, action_kind::lose, who, {}, static_cast<unsigned>(10 + dice_.below(40)));
    else if (fault == "transfer")
      act(line, action_kind::transfer);
    else if (grown_ == 0) {
      act(line, action_kind::add);
      ++grown_;
    } else {
      act(line, action_kind::remove, {target_kind::passive, 0});
      --grown_;
    }
  }

  const scenario* all_ = nullptr;
  dice dice_;
  std::vector<step> out_;
  std::size_t rounds_ = 0;
  unsigned grown_ = 0; ///< a swarm keeps the membership at its size or one more
};

bool acts(const std::vector<step>& steps, action_kind what) {
  return acts(steps, [what](action_kind done) { return done == what; });
}

} // namespace

bool acts(const std::vector<step>& steps, const std::function<bool(action_kind)>& wanted) {
  return std::any_of(steps.begin(), steps.end(), [&](const step& one) {
    return (one.kind == step_kind::act && wanted(one.act.what)) ||
           std::any_of(one.swarm.faults.begin(), one.swarm.faults.end(),
                       [&](const auto& fault) { return wanted(find_swarm_action(fault)); }) ||
           acts(one.body, wanted);
  });
}

std::vector<step> make_plan(const scenario& what, std::uint64_t seed) {
  return planner{seed}.run(what);
}

milliseconds shortest_time(const std::vector<step>& plan) {
  milliseconds out{0};
  for (const auto& one : plan) {
    if (one.kind == step_kind::wait)
      out += one.time;
    else if (one.kind == step_kind::at)
      out = std::max(out, one.time);
  }
  return out;
}

std::string missing_for(const scenario& what, const abilities& have) {
  const auto& steps = what.steps;
  if (!what.cluster.unsafe.empty() && !have.unsafe_daemon)
    return "needs the daemon with planted faults (meson option unsafe_faults; --unsafe-daemon)";
  if (!have.root) {
    if (what.cluster.place == place_kind::namespaces)
      return "network namespaces need root";
    if (what.cluster.disk != disk_kind::plain)
      return "a disk of its own for each member needs root";
    for (const auto& row : action_words()) {
      if (row.root && acts(steps, row.what))
        return "'" + std::string(row.word) + "' needs root";
    }
  }
  if (!have.strace && (acts(steps, action_kind::slow_disk) || acts(steps, action_kind::fail_disk)))
    return "needs the program strace";
  if (!have.faketime && acts(steps, action_kind::clock))
    return "needs libfaketime (Debian package faketime)";
  if (!have.cgroups && (acts(steps, action_kind::freeze) || acts(steps, action_kind::starve)))
    return "needs writable cgroups";
  return {};
}

} // namespace holdfast::chaos
