// What the clients of a run asked and were told: the evidence that every checker works on.
//
// Times are nanoseconds of one steady clock, read before a request is sent and after its answer is in, so an
// operation took effect somewhere between `called` and `returned` — or, when the outcome is unknown, at any
// time after `called`, or never (a time-out is not a failure).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace holdfast::chaos {

enum class op_kind : std::uint8_t {
  put,             ///< unconditional write of `value`
  conditional_put, ///< write of `value` if the register holds `expected` (0: is absent)
  get,             ///< read; `value` is what was seen, 0: absent
  remove,          ///< delete
};

enum class op_outcome : std::uint8_t {
  ok,      ///< took effect
  refused, ///< surely took no effect (a failed condition, "not done")
  unknown, ///< may take effect any time after the call, or never
};

/// One operation on one register. Every write of a run carries a value of its own, never 0.
struct operation {
  std::uint32_t client = 0;
  std::uint32_t key = 0;
  op_kind kind = op_kind::get;
  op_outcome outcome = op_outcome::unknown;
  std::uint64_t value = 0;
  std::uint64_t expected = 0; ///< conditional_put
  std::int64_t called = 0;
  std::int64_t returned = std::numeric_limits<std::int64_t>::max();
  std::string note; ///< for people: status, node, error
};

using history = std::vector<operation>;

} // namespace holdfast::chaos
