// Clients see one copy of the data, in real-time order; reads are never stale.
//
// The log gives every operation its place in one order: a write stands at its index, a read behind the index
// whose state it was answered from. Checking is then cheap and still complete: the order must agree with real
// time (an operation never stands before one that had ended when it began) and every answer must be what a
// register holds at that place. Operations with an unknown outcome have no end and so bind nobody.
#pragma once

#include "sim/machine.hpp"
#include "sim/violation.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::raft::sim {

class linearizability {
public:
  /// The first node to apply an index reports what the write changed there.
  void effect(std::uint64_t index, std::uint8_t key, std::uint64_t value) {
    values_[key].emplace_back(index, value);
  }

  /// Called when an operation begins; the result goes back into the matching *_done call.
  std::uint64_t begin() const { return highest_ended_; }

  void write_done(std::uint64_t begun, const command& what, std::uint64_t index, bool done) {
    if (index <= begun)
      fail("a write took effect at " + std::to_string(index) + ", before an operation that had ended at " +
           std::to_string(begun));
    const auto there = value_at(what.key, done ? index : index - 1);
    if (done && there != what.value)
      fail("an acknowledged write is not in the history at index " + std::to_string(index));
    if (!done && what.kind == command_kind::conditional_put && there == what.expected)
      fail("a conditional put was refused although its condition held at index " + std::to_string(index));
    highest_ended_ = std::max(highest_ended_, index);
  }

  void read_done(std::uint64_t begun, std::uint8_t key, std::uint64_t at, std::uint64_t value) {
    if (at < begun)
      fail("a read was answered from index " + std::to_string(at) + " after an operation had ended at " +
           std::to_string(begun));
    if (const auto held = value_at(key, at); held != value)
      fail("a read at index " + std::to_string(at) + " returned " + std::to_string(value) + " instead of " +
           std::to_string(held));
    highest_ended_ = std::max(highest_ended_, at);
  }

private:
  [[noreturn]] static void fail(const std::string& seen) { throw violation{"linearizability", seen}; }

  std::uint64_t value_at(std::uint8_t key, std::uint64_t index) const {
    const auto& history = values_[key];
    const auto after =
        std::ranges::upper_bound(history, index, {}, &std::pair<std::uint64_t, std::uint64_t>::first);
    return after == history.begin() ? 0 : std::prev(after)->second;
  }

  std::array<std::vector<std::pair<std::uint64_t, std::uint64_t>>, key_count> values_;
  std::uint64_t highest_ended_ = 0;
};

} // namespace holdfast::raft::sim
