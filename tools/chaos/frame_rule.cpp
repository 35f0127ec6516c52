#include "tools/chaos/frame_rule.hpp"

namespace holdfast::chaos {

std::vector<std::chrono::microseconds> arrivals(const frame_rule& rule, std::mt19937_64& dice) {
  std::vector<std::chrono::microseconds> out;
  if (rule.cut)
    return out;
  const std::size_t copies = dice() % 100 < rule.duplicate ? 2 : 1;
  while (out.size() < copies) {
    auto after = rule.delay;
    if (rule.jitter.count() > 0)
      after += std::chrono::microseconds{dice() % static_cast<std::uint64_t>(rule.jitter.count() + 1)};
    if (dice() % 100 < rule.reorder)
      after = std::chrono::microseconds{0};
    out.push_back(after);
  }
  return out;
}

} // namespace holdfast::chaos
