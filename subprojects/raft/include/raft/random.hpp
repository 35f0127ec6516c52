// The core's only source of chance: SplitMix64 (Steele, Lea, Flood 2014) from an injected seed, so that a run
// can be replayed on any platform.
#pragma once

#include <raft/types.hpp>

namespace holdfast::raft {

class random_source {
public:
  explicit random_source(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  /// Uniform enough in [low, high); low when the range is empty.
  duration between(duration low, duration high) {
    if (high <= low)
      return low;
    return low +
           duration{static_cast<std::int64_t>(next() % static_cast<std::uint64_t>((high - low).count()))};
  }

private:
  std::uint64_t state_;
};

} // namespace holdfast::raft
