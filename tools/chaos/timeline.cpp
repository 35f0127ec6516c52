#include "tools/chaos/timeline.hpp"

#include <algorithm>
#include <map>

namespace holdfast::chaos {

latency_summary summarize(const std::vector<tick>& ticks, bool writes) {
  latency_summary out;
  std::vector<std::int64_t> times;
  for (const auto& one : ticks) {
    if (one.write != writes)
      continue;
    if (one.outcome == op_outcome::ok)
      times.push_back(one.returned - one.called);
    else
      ++(one.outcome == op_outcome::refused ? out.refused : out.unknown);
  }
  out.acknowledged = times.size();
  if (times.empty())
    return out;
  std::sort(times.begin(), times.end());
  const auto at = [&times](double share) {
    return static_cast<double>(
               times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))]) /
           1e6;
  };
  out.median_ms = at(0.5);
  out.p99_ms = at(0.99);
  out.longest_ms = at(1.0);
  return out;
}

std::vector<failover> failovers(const run_record& run) {
  std::vector<const tick*> writes;
  for (const auto& one : run.ticks) {
    if (one.write && one.outcome == op_outcome::ok)
      writes.push_back(&one);
  }
  std::sort(writes.begin(), writes.end(),
            [](const auto* a, const auto* b) { return a->returned < b->returned; });
  std::vector<const timeline_event*> harms;
  for (const auto& event : run.events) {
    if (event.harms_active && event.at < run.load_until)
      harms.push_back(&event);
  }
  std::vector<failover> out;
  for (std::size_t i = 0; i < harms.size(); ++i) {
    const auto until = i + 1 < harms.size() ? harms[i + 1]->at : run.load_until;
    failover one{harms[i]->at, harms[i]->what, std::nullopt};
    const auto first = std::find_if(writes.begin(), writes.end(), [&](const auto* write) {
      return write->called > one.at && write->returned <= until;
    });
    if (first != writes.end())
      one.took = (*first)->returned - one.at;
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> check_holders(const std::vector<holder_sample>& samples) {
  constexpr std::size_t most = 20;
  std::vector<std::string> out;
  for (const auto& sample : samples) {
    if (sample.holders.size() < 2 || out.size() == most)
      continue;
    std::string text =
        "at " + std::to_string(sample.at / 1'000'000) + " ms the virtual address is on members";
    for (const auto member : sample.holders)
      text += " " + std::to_string(member);
    out.push_back(std::move(text));
  }
  return out;
}

role_overlap longest_overlap(const std::vector<role_sample>& samples) {
  // Runs of "active" of one member, cut by any other word of it.
  struct claim {
    unsigned member;
    std::int64_t from; ///< end of its first answer
    std::int64_t to;   ///< start of its last question
  };
  auto ordered = samples;
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.asked < b.asked; });
  std::vector<claim> claims;
  std::map<unsigned, std::size_t> open;
  for (const auto& sample : ordered) {
    const auto running = open.find(sample.member);
    if (!sample.active || !sample.reached) {
      if (running != open.end())
        open.erase(running);
    } else if (running != open.end()) {
      claims[running->second].to = sample.asked;
    } else {
      open[sample.member] = claims.size();
      claims.push_back({sample.member, sample.answered, sample.asked});
    }
  }
  role_overlap out;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    for (std::size_t j = i + 1; j < claims.size() && j < i + 64; ++j) {
      const auto from = std::max(claims[i].from, claims[j].from);
      const auto length = std::min(claims[i].to, claims[j].to) - from;
      if (claims[i].member != claims[j].member && length > out.length)
        out = {length, claims[i].member, claims[j].member, from};
    }
  }
  return out;
}

} // namespace holdfast::chaos
