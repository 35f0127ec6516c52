// Who led which term, from a member's log. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::chaos {

struct leadership {
  std::int64_t unix_ns = 0; ///< by the member's wall clock
  std::uint64_t term = 0;
  std::string cluster; ///< the member's at that time: before it joined it was one of its own; empty: unknown
};

/// The lines `time=… event=role now=leader term=N …` of a log, in order; the cluster is that of the last
/// `event=consensus_started … cluster=ID …` before. Lines that cannot be read are left out.
[[nodiscard]] std::vector<leadership> leaderships(std::string_view log);

} // namespace holdfast::chaos
