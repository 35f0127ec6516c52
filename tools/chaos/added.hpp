// Unique things that clients added, to a set or to the ends of lists, against what is there in the end. Pure.
#pragma once

#include "tools/chaos/history.hpp"

#include <map>
#include <string>
#include <vector>

namespace holdfast::chaos {

/// One addition; with its retries under the same Idempotency-Key it is still one.
struct addition {
  std::uint64_t id = 0;
  op_outcome outcome = op_outcome::unknown; ///< of the last attempt
  unsigned attempts = 1;
  bool contradicted = false; ///< acknowledged, and a repeat under the same key refused
  std::int64_t called = 0;
  std::int64_t returned = 0;
  std::string note;
};

/// Every acknowledged addition is there, at most once each; refused ones and ones nobody made are not.
/// `found` has each id as often as it was read. Returns one line a violation, at most 20; `where` begins
/// each.
[[nodiscard]] std::vector<std::string> check_added(const std::vector<addition>& made,
                                                   const std::vector<std::uint64_t>& found,
                                                   const std::string& where);

} // namespace holdfast::chaos
