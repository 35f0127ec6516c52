// Bulk work gives way to what somebody waits for, and still ends.
#include "actors/replay/bulk_pace.hpp"

#include <doctest/doctest.h>

using namespace holdfast::replay;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t piece = 256U << 10U;
constexpr bulk_bounds bounds{};

/// A disk and a log on it: time goes on as the test says.
struct scene {
  bulk_pace pace{bounds};
  bulk_pace::instant now{1h};

  void sync(bulk_pace::duration took, std::uint64_t bytes = 1000) {
    now += took;
    pace.synced(now, took, bytes);
  }
  /// Bulk alone, syncs of `took` in between; the bytes it moved in `length`.
  std::uint64_t run(bulk_pace::duration length, bulk_pace::duration took, std::uint64_t bytes = 1000) {
    const auto end = now + length;
    std::uint64_t moved = 0;
    while (now < end) {
      sync(took, bytes);
      if (pace.wait(now) > 0ms)
        continue;
      pace.moved(now, piece);
      moved += piece;
    }
    return moved;
  }
};

} // namespace

TEST_CASE("bulk goes faster while the log's syncs stay as they were") {
  scene s;
  for (int i = 0; i < 50; ++i)
    s.sync(1ms);
  const auto before = s.pace.rate();
  s.run(1s, 1ms);
  CHECK(s.pace.rate() > before);
}

TEST_CASE("bulk backs off to the floor while syncs take longer than without it, and no further") {
  scene s;
  for (int i = 0; i < 50; ++i)
    s.sync(1ms);
  s.run(1s, 8ms);
  CHECK(s.pace.rate() == bounds.slowest);
  // The floor is what it gets, not only what it is allowed.
  const auto moved = s.run(4s, 8ms);
  CHECK(moved >= bounds.slowest * 4 * 9 / 10);
  CHECK(moved <= bounds.slowest * 4 * 11 / 10);
}

TEST_CASE("a slow disk without bulk is nobody's disturbance") {
  scene s;
  for (int i = 0; i < 200; ++i)
    s.sync(20ms);
  s.run(5s, 20ms);
  CHECK(s.pace.rate() > 2 * bounds.slowest);
}

TEST_CASE("slow syncs under bulk are not taken for the disk's own pace") {
  scene s;
  for (int i = 0; i < 50; ++i)
    s.sync(1ms);
  s.run(20s, 8ms); // long enough for an average to forget the quiet time
  CHECK(s.pace.rate() == bounds.slowest);
}

TEST_CASE("bulk outruns a log that grows fast") {
  scene s;
  for (int i = 0; i < 50; ++i)
    s.sync(1ms);
  constexpr std::uint64_t batch = 512U << 10U; // every 8 ms: 64 MiB a second
  s.run(5s, 8ms, batch);
  CHECK(s.pace.rate() >= 2 * (batch * 125) * 9 / 10);
}

TEST_CASE("no piece waits longer than anybody's patience") {
  scene s;
  s.pace.moved(s.now, piece);
  s.pace.moved(s.now, 64U << 20U);
  CHECK(s.pace.wait(s.now) == bulk_pace::longest_wait);
}

TEST_CASE("time that bulk did not use is not saved up") {
  scene s;
  s.pace.moved(s.now, piece);
  s.now += 10s;
  CHECK(s.pace.wait(s.now) == 0ms);
  s.pace.moved(s.now, piece);
  s.pace.moved(s.now, piece);
  CHECK(s.pace.wait(s.now) > 0ms);
}
