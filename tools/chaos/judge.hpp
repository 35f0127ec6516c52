// All checkers over one finished run. The files and the logs are read; nothing else is touched.
#pragma once

#include "tools/chaos/plan.hpp"
#include "tools/chaos/timeline.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace holdfast::chaos {

/// What the members showed when all was healed and at rest.
struct member_state {
  unsigned number = 0;
  std::filesystem::path wal;
  std::filesystem::path log;
  std::vector<std::uint64_t> set; ///< read from this member alone
  std::vector<std::uint64_t> list;
  std::string chain; ///< digest of its log at the common index
  std::string state; ///< hash of what it has applied, with the index
  bool reached = false;
};

struct check_result {
  std::string name; ///< linearizable, no-lost-write, …
  bool passed = true;
  std::string summary;              ///< one line
  std::vector<std::string> details; ///< violations, one line each
};

struct judged {
  std::vector<check_result> checks;
  bool passed = true; ///< with a `violation` expected: the checker caught it
  std::vector<failover> failovers;
};

/// Names of files in the folders that are not there or differ from the first folder's; empty when all are
/// equal.
[[nodiscard]] std::vector<std::string> compare_folders(const std::vector<std::filesystem::path>& folders);

[[nodiscard]] judged judge(const scenario& what, const run_record& run,
                           const std::vector<member_state>& members,
                           const std::vector<std::string>& troubles);

} // namespace holdfast::chaos
