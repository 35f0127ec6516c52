// How often this member gave its log up because the members judged its state wrong (WAL-06), and when it must
// stop doing so. Replaying the others' log cures a member that applied something wrongly once. It cures
// nothing when a majority is wrong in the same way and this member alone is right, nor on a machine that goes
// on computing wrongly: then the log would be set aside again and again, each time for nothing. So it is
// given up a few times, and after that the operator decides.
//
//   raft/state_repairs.json  {"GaveUpAt","Repairs":[{"AtMs","Index","Worked"}]}, oldest first; missing: none
//
// The list is pure; load and save block.
#pragma once

#include "actors/node/state_file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

struct state_repair {
  std::uint64_t at_ms = 0;
  std::uint64_t index = 0; ///< of the log, at which this member's state was judged wrong
  bool worked = false;     ///< its state was the majority's again at that index, or at a later one
};

class state_repairs {
public:
  /// So many that did not help, or within the window helped for a while only, are enough.
  static constexpr std::size_t most = 3;
  static constexpr std::uint64_t window_ms = 60ULL * 60 * 1000;

  /// May the log be set aside once more? `now_ms`: wall clock; a repair from the future counts as recent.
  [[nodiscard]] bool may_repair(std::uint64_t now_ms) const;
  /// Noted, and saved, before the log is set aside: a crash in between counts one too many, never one too
  /// few.
  void note_repair(std::uint64_t index, std::uint64_t now_ms);
  /// The state was still wrong at this index and no repair was left: this member stays out of service until
  /// its state is the majority's again, also after a restart.
  void note_given_up(std::uint64_t index) { gave_up_at_ = index; }
  /// Zero: it has not given up.
  [[nodiscard]] std::uint64_t gave_up_at() const { return gave_up_at_; }
  /// An equal state at this index would prove a repair, or end the giving up.
  [[nodiscard]] bool awaits(std::uint64_t index) const;
  /// The state was the majority's at this index.
  void note_equal(std::uint64_t index);

  [[nodiscard]] std::size_t size() const { return list_.size(); }
  [[nodiscard]] std::string to_json() const;
  /// What to_json() wrote. Anything else: nothing.
  [[nodiscard]] static std::optional<state_repairs> parse(std::string_view text);

private:
  std::vector<state_repair> list_;
  std::uint64_t gave_up_at_ = 0;
};

/// Both take the base root. A file that is damaged counts as none: the worst of it is a few repairs more.
[[nodiscard]] io_error save_state_repairs(file_seam& files, const std::string& root,
                                          const state_repairs& repairs);
[[nodiscard]] state_repairs load_state_repairs(file_seam& files, const std::string& root);

} // namespace holdfast::node
