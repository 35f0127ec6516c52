#include "tools/chaos/writers.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <queue>
#include <utility>

namespace holdfast::chaos {

namespace {

/// The lowest term from `bound` on that the member led at that time; 0: none.
std::uint64_t lowest_term(const std::vector<term_start>& led, std::uint64_t bound, std::int64_t until) {
  std::uint64_t best = 0;
  for (const auto& one : led) {
    if (one.term >= bound && one.at <= until && (best == 0 || one.term < best))
      best = one.term;
  }
  return best;
}

std::string in_ms(std::int64_t at) {
  return std::to_string(at / 1'000'000);
}

} // namespace

std::string to_text(const term_start& start) {
  return "member " + std::to_string(start.member) + " leads term " + std::to_string(start.term);
}

std::vector<std::string> check_writers(std::vector<acknowledgement> all,
                                       const std::vector<term_start>& starts, std::int64_t slack) {
  constexpr std::size_t most = 20;
  std::map<unsigned, std::vector<term_start>> led;
  for (const auto& one : starts)
    led[one.member].push_back(one);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.called < b.called; });

  struct settled {
    std::int64_t returned;
    unsigned member;
    std::uint64_t term;
    bool operator>(const settled& other) const { return returned > other.returned; }
  };
  std::priority_queue<settled, std::vector<settled>, std::greater<>> answered;
  settled bound{0, 0, 0}; // the highest term of those answered before the one in hand was called
  std::vector<std::string> out;
  for (const auto& one : all) {
    for (; !answered.empty() && answered.top().returned < one.called; answered.pop()) {
      if (answered.top().term > bound.term)
        bound = answered.top();
    }
    // The lowest term that fits leaves the most room to those that follow.
    const auto last = std::numeric_limits<std::int64_t>::max();
    const auto until = one.returned > last - slack ? last : one.returned + slack;
    const auto term = lowest_term(led[one.member], bound.term, until);
    if (term != 0) {
      answered.push({one.returned, one.member, term});
    } else if (out.size() < most) {
      out.push_back("member " + std::to_string(one.member) + " acknowledged a write called at " +
                    in_ms(one.called) + " ms" +
                    (bound.term == 0 ? std::string(" and never led")
                                     : " although member " + std::to_string(bound.member) +
                                           " had acknowledged one in term " + std::to_string(bound.term) +
                                           " at " + in_ms(bound.returned) + " ms"));
    }
  }
  return out;
}

std::vector<std::string> check_leaders(const std::vector<term_start>& starts) {
  constexpr std::size_t most = 20;
  std::map<std::pair<std::string, std::uint64_t>, unsigned> leaders;
  std::vector<std::string> out;
  for (const auto& one : starts) {
    const auto first = leaders.emplace(std::pair{one.cluster, one.term}, one.member).first->second;
    if (first != one.member && out.size() < most)
      out.push_back("members " + std::to_string(first) + " and " + std::to_string(one.member) +
                    " both led term " + std::to_string(one.term));
  }
  return out;
}

} // namespace holdfast::chaos
