// Who led which term, from a member's log. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace holdfast::chaos {

struct leadership {
  std::int64_t unix_ns = 0; ///< by the member's wall clock
  std::uint64_t term = 0;
};

/// The lines `time=… event=role now=leader term=N …` of a log, in order. Lines that cannot be read are left
/// out.
[[nodiscard]] std::vector<leadership> leaderships(std::string_view log);

} // namespace holdfast::chaos
