// How fast bulk work may go: a snapshot that is written, a member that is fed from the disk. What a user
// waits for goes first. The measure is the log's own sync: while it takes no longer than it does without
// bulk, bulk speeds up; when it takes longer, bulk backs off at once.
//
// Bulk never stands still: it gets a floor, and never less than twice what the log itself grows by, or a
// member that fell behind under load would never catch up and a snapshot never end.
//
// The times come from the caller, so the rule is tested without a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace holdfast::replay {

struct bulk_bounds {
  std::uint64_t slowest = std::uint64_t{24} << 20U; ///< bytes a second
  std::uint64_t fastest = std::uint64_t{1} << 30U;
};

/// Thread-safe: the log's writer and the snapshot worker share one.
class bulk_pace {
public:
  using instant = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;

  explicit bulk_pace(bulk_bounds bounds = {}) : bounds_(bounds), rate_(2 * bounds.slowest) {}

  /// A sync of the log that somebody waited for: how long it took and how much it made durable.
  void synced(instant now, duration took, std::uint64_t bytes);
  /// How long the next piece of bulk must still wait; zero: now. Never more than `longest_wait`, so that
  /// nobody takes the other side for dead.
  [[nodiscard]] duration wait(instant now) const;
  /// A piece was moved (written, or read to be sent); the next one's turn comes after its share of time.
  void moved(instant now, std::uint64_t bytes);

  /// Bytes a second that bulk gets now.
  [[nodiscard]] std::uint64_t rate() const;

  static constexpr duration longest_wait = std::chrono::milliseconds{100};

private:
  void adapt(instant now);
  [[nodiscard]] std::uint64_t floor() const;

  mutable std::mutex mutex_;
  bulk_bounds bounds_;
  std::uint64_t rate_;
  instant next_{};              ///< when the next piece may go
  instant last_bulk_{};         ///< when the last one went
  duration calm_{};             ///< what a sync takes without bulk, about; zero: not known yet
  duration worst_{};            ///< of the syncs since the last piece
  std::uint64_t log_bytes_ = 0; ///< in the window of `log_rate_`
  instant window_{};
  std::uint64_t log_rate_ = 0; ///< bytes a second that the log itself grew by
};

} // namespace holdfast::replay
