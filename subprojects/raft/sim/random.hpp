// The only source of chance in a simulated run: one 64-bit seed gives everything.
//
// splitmix64: tiny state, good enough mixing for choosing faults, and the same numbers on every machine and
// compiler (the standard library's distributions promise no such thing, so they are not used here).
#pragma once

#include <cassert>
#include <chrono>
#include <cstdint>

namespace holdfast::raft::sim {

/// Mixes 64 bits into 64 other bits; also used for the running hashes of traces and states.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Order-dependent combination of a running hash with one more word.
constexpr std::uint64_t chain64(std::uint64_t hash, std::uint64_t word) {
  return mix64(hash ^ (word * 0x2545f4914f6cdd1dULL + 0x632be59bd9b4e019ULL));
}

class random_source {
public:
  explicit random_source(std::uint64_t seed) : state_(mix64(seed)) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix64(state_);
  }

  /// Uniform in [0, bound); bound > 0. The bias of the multiplication is below 2^-32 for the bounds used
  /// here.
  std::uint64_t below(std::uint64_t bound) {
    assert(bound > 0 && bound < (1ULL << 32));
    return ((next() >> 32) * bound) >> 32;
  }

  /// Uniform in [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    assert(low <= high);
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }

  std::chrono::microseconds between(std::chrono::microseconds low, std::chrono::microseconds high) {
    return std::chrono::microseconds{between(low.count(), high.count())};
  }

  bool per_mille(std::uint32_t chance) { return chance != 0 && below(1000) < chance; }
  bool per_million(std::uint32_t chance) { return chance != 0 && below(1'000'000) < chance; }

  /// A child stream, so that drawing more numbers in one part of the model does not shift another part's.
  random_source fork() { return random_source{next()}; }

private:
  std::uint64_t state_;
};

} // namespace holdfast::raft::sim
