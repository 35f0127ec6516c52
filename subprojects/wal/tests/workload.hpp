// A fixed history of a log that passes through every kind of durable step, and the oracle that knows what a
// crash at any point may leave.
#pragma once

#include "fixture.hpp"

#include <functional>
#include <set>

namespace holdfast::wal::test {

/// Knows what was promised. All entries ever handed to append are `attempted`; `promised` are those a
/// finished sync covers (a truncation takes its promise back before it begins, as the host lowers the hint).
class oracle {
public:
  void attempt(const std::vector<made_entry>& entries) {
    for (const auto& e : entries)
      attempted_.insert({e.index, e.term});
  }
  void appended(const std::vector<made_entry>& entries) {
    live_.insert(live_.end(), entries.begin(), entries.end());
  }
  void synced() { promised_ = live_; }
  void truncating(std::uint64_t first) {
    while (!promised_.empty() && promised_.back().index >= first)
      promised_.pop_back();
  }
  void truncated(std::uint64_t first) {
    while (!live_.empty() && live_.back().index >= first)
      live_.pop_back();
    promised_ = live_;
  }

  synced_hint hint() const {
    return promised_.empty() ? synced_hint{} : synced_hint{{promised_.back().index}, {promised_.back().term}};
  }
  /// Opens the log on a crashed disk, with the oldest and the newest hint the host may hold, and checks
  /// everything.
  void check(fake_file_system& disk) const;

private:
  void check_opened(log& target, const recovery_report& report) const;

  std::set<std::pair<std::uint64_t, std::uint64_t>> attempted_;
  std::vector<made_entry> live_;
  std::vector<made_entry> promised_;
};

/// Runs the history. `on_full` is called at each no_space and says whether to try that step again. Returns
/// the first error that ended it.
status run_workload(fake_file_system& fs, oracle& known, const std::function<bool()>& on_full);

} // namespace holdfast::wal::test
