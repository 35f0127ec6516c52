// Power cuts and disk errors at every call of a history (see workload.hpp), every state a disk may be left
// in.
#include "workload.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

const std::function<bool()> give_up = [] { return false; };

std::uint64_t calls_of_workload() {
  fake_file_system fs;
  oracle known;
  REQUIRE(run_workload(fs, known, give_up).ok());
  return fs.calls();
}

} // namespace

TEST_CASE("WAL-08 power cut at every call: all synced entries are there, none is half there") {
  const auto calls = calls_of_workload();
  REQUIRE(calls > 80);
  for (std::uint64_t call = 1; call <= calls + 1; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    oracle known;
    fs.cut_power_at(call);
    const auto ended = run_workload(fs, known, give_up);
    REQUIRE(ended.ok() == (call > calls));
    fs.for_each_crash(9, 40, call, [&](fake_file_system& disk) { known.check(disk); });
  }
}

TEST_CASE("WAL-08 kill at every call: another process finds all appended whole records") {
  const auto calls = calls_of_workload();
  for (std::uint64_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    oracle known;
    fs.cut_power_at(call);
    REQUIRE_FALSE(run_workload(fs, known, give_up).ok());
    known.check(*fs.after_kill());
  }
}

TEST_CASE("WAL-11 EIO at every call: typed, final, and nothing synced is lost") {
  const auto calls = calls_of_workload();
  for (std::uint64_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    oracle known;
    fs.inject(fault{call, error_kind::io, false});
    const auto ended = run_workload(fs, known, give_up);
    REQUIRE_FALSE(ended.ok());
    CHECK(ended.failure().kind == error_kind::io);
    fs.inject(std::nullopt);
    fs.for_each_crash(6, 12, call, [&](fake_file_system& disk) { known.check(disk); });
  }
}

TEST_CASE("WAL-11 a disk that is full at any call: nothing written, and the same bytes once there is room") {
  const auto calls = calls_of_workload();
  fake_file_system undisturbed;
  oracle expected;
  REQUIRE(run_workload(undisturbed, expected, give_up).ok());
  for (std::uint64_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    oracle known;
    fs.inject(fault{call, error_kind::no_space, true});
    bool was_full = false;
    const auto ended = run_workload(fs, known, [&] {
      was_full = true;
      fs.for_each_crash(5, 4, call, [&](fake_file_system& disk) { known.check(disk); });
      fs.inject(std::nullopt);
      return true;
    });
    if (!ended.ok()) {
      // Only overwriting inside space that was given out already may end it: then the disk lied.
      CHECK(ended.failure().kind == error_kind::io);
      continue;
    }
    CHECK(fs.all() == undisturbed.all());
  }
}
