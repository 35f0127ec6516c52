// At most one member writes at a time: judged from who acknowledged which write, and from who led which term.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::chaos {

/// A write that a member acknowledged as the active one (not one that it passed on).
struct acknowledgement {
  std::int64_t called = 0; ///< nanoseconds, as in history.hpp
  std::int64_t returned = 0;
  unsigned member = 0;
};

/// A member began to lead a term.
struct term_start {
  std::int64_t at = 0; ///< nanoseconds of the run's steady clock
  unsigned member = 0;
  std::uint64_t term = 0;
  std::string cluster = {}; ///< a member that is alone yet leads terms of its own
};

/// For reports.
[[nodiscard]] std::string to_text(const term_start& start);

/// An acknowledgement belongs to a term that its member led, and terms never go back: what was called after
/// the answer to another write came belongs to the same term or a later one. When no terms can be found that
/// fit, two members wrote at a time: a deposed one still acknowledged. `slack`: how far the clock of the
/// starts may be off. One line a violation, at most 20.
[[nodiscard]] std::vector<std::string>
check_writers(std::vector<acknowledgement> all, const std::vector<term_start>& starts, std::int64_t slack);

/// No term of a cluster has two leaders, whatever the clocks say. One line for each that has, at most 20.
[[nodiscard]] std::vector<std::string> check_leaders(const std::vector<term_start>& starts);

} // namespace holdfast::chaos
