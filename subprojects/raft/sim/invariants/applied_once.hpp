// A write takes effect once, however often its client repeats it; the answer to a repeat is the first answer.
#pragma once

#include "sim/machine.hpp"
#include "sim/violation.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace holdfast::raft::sim {

class applied_once {
public:
  /// Every index once, in order, as the first node applies it.
  void applied(std::uint64_t index, const command& what, const answer& result) {
    auto& last = last_[what.client];
    if (!result.repeated) {
      if (what.sequence <= last.sequence)
        throw violation{"idempotent retries", "client " + std::to_string(what.client) + " write " +
                                                  std::to_string(what.sequence) +
                                                  " took effect again at index " + std::to_string(index)};
      last = {what.sequence, result.done};
    } else if (!result.stale && (what.sequence != last.sequence || result.done != last.done)) {
      throw violation{"idempotent retries",
                      "the answer to a repeat changed at index " + std::to_string(index)};
    }
  }

private:
  struct first_answer {
    std::uint32_t sequence = 0;
    bool done = false;
  };
  std::array<first_answer, client_count> last_{};
};

} // namespace holdfast::raft::sim
