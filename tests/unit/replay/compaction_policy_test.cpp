#include "actors/replay/compaction_policy.hpp"

#include <doctest/doctest.h>

using namespace holdfast::replay;
using decision = compaction_decision;

namespace {
constexpr std::uint64_t mib = 1U << 20U;

log_facts facts(std::uint64_t log_bytes, std::uint64_t snapshot_bytes) {
  log_facts f;
  f.log_bytes = log_bytes;
  f.log_entries = 1'000;
  f.last_snapshot_bytes = snapshot_bytes;
  f.applied_index = 50'000;
  f.slowest_active_match = 50'000;
  return f;
}
} // namespace

TEST_CASE("WAL-05 a log below the floor is never cut for its size") {
  CHECK(decide_compaction(facts(64 * mib, 0)) == decision::wait);
  CHECK(decide_compaction(facts(64 * mib + 1, 0)) == decision::cut_for_size);
}

TEST_CASE("WAL-05 a log is cut when it is several times the last snapshot") {
  CHECK(decide_compaction(facts(400 * mib, 100 * mib)) == decision::wait);
  CHECK(decide_compaction(facts(400 * mib + 4, 100 * mib)) == decision::cut_for_size);
}

TEST_CASE("many small entries are cut for their number") {
  auto f = facts(mib, 0);
  f.log_entries = 999'999;
  CHECK(decide_compaction(f) == decision::wait);
  f.log_entries = 1'000'000;
  CHECK(decide_compaction(f) == decision::cut_for_entries);
}

TEST_CASE("nobody is forced into a snapshot before the hard limit") {
  auto f = facts(100 * mib, 0);
  f.slowest_active_match = f.applied_index - 10'000;
  CHECK(decide_compaction(f) == decision::cut_for_size);
  f.slowest_active_match = f.applied_index - 10'001;
  CHECK(decide_compaction(f) == decision::wait);
  f.log_bytes = 1'024 * mib + 1;
  CHECK(decide_compaction(f) == decision::cut_for_hard_limit);

  f = facts(100 * mib, 0);
  f.snapshot_being_sent = true;
  CHECK(decide_compaction(f) == decision::wait);
}

TEST_CASE("one cut at a time, and never of an empty log") {
  auto f = facts(2'000 * mib, 0);
  f.cut_pending = true;
  CHECK(decide_compaction(f) == decision::wait);
  f.cut_pending = false;
  f.log_entries = 0;
  CHECK(decide_compaction(f) == decision::wait);
}
