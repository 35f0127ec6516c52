// The log as the core sees it: the terms of everything on disk (as runs, so a long log costs nothing) and a
// window of recent entries in memory. Entries older than the window are on disk only and are read by the
// host.
#pragma once

#include <raft/types.hpp>

#include <deque>

namespace holdfast::raft {

class log_view {
public:
  /// `base` and `base_term` name the entry just before the log (0, 0 for a log that starts at 1).
  log_view(index_t base, term_t base_term) { reset(base, base_term); }

  /// Forgets everything; the log is empty and continues after `base`.
  void reset(index_t base, term_t base_term);

  [[nodiscard]] index_t base_index() const { return base_; }
  [[nodiscard]] index_t first_index() const { return base_.next(); }
  [[nodiscard]] index_t last_index() const { return last_; }
  [[nodiscard]] term_t last_term() const;
  /// nullopt when the index is before the base or after the end.
  [[nodiscard]] std::optional<term_t> term_at(index_t index) const;
  /// The largest index <= `index` whose term is <= `term`: where two logs may still agree.
  [[nodiscard]] index_t last_index_with_term_at_most(index_t index, term_t term) const;

  /// Must continue the log and not lower the term. An application entry without payload is "on disk only".
  void append(const entry& e);
  void truncate_from(index_t index);
  /// The host's log now starts after `base`.
  void compact(index_t base);
  /// Drops entries up to `limit_index` from memory until at most `budget` is used.
  void evict(byte_count budget, index_t limit_index);

  /// Where memory begins; what stands before it was durable when it left memory, or was found on disk.
  [[nodiscard]] index_t first_resident() const { return window_first_; }
  [[nodiscard]] bool resident(index_t index) const { return index >= window_first_ && index <= last_; }
  [[nodiscard]] const entry& at(index_t index) const; ///< must be resident
  /// Copies from `first` (resident) up to `last`, at most `max_entries` and `max_bytes`, at least one.
  void copy(index_t first, index_t last, std::size_t max_entries, byte_count max_bytes,
            std::vector<entry>& to) const;
  [[nodiscard]] byte_count memory() const { return bytes_; }

private:
  struct run {
    index_t first;
    term_t term;
  };
  index_t base_;
  term_t base_term_;
  index_t last_;
  std::vector<run> runs_;    ///< ascending; the first one may begin before first_index()
  std::deque<entry> window_; ///< window_first_ .. last_
  index_t window_first_;
  byte_count bytes_;
};

} // namespace holdfast::raft
