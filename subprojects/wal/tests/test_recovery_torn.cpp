// Tails that a power cut leaves, and that a start cuts off without complaint (WAL-08).
#include "fixture.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

/// log.0 with entries 1..n of term 1, synced and closed.
std::unique_ptr<fake_file_system> disk_with(std::uint64_t n) {
  auto fs = std::make_unique<fake_file_system>();
  auto made = open_log(*fs);
  fill(*made.instance, 1, n);
  return fs;
}

void expect_last(fake_file_system& fs, std::uint64_t last, synced_hint hint = {}) {
  auto made = open_log(fs, hint);
  CHECK_FALSE(made.report.rotten());
  CHECK(made.instance->last_index().value == last);
  check_entries(*made.instance);
  REQUIRE(append(*made.instance, {entry(last + 1, 7)}).ok());
  REQUIRE(made.instance->sync().ok());
}

} // namespace

TEST_CASE("WAL-08 file cut short at every byte of the last record") {
  const auto disk = disk_with(5);
  const auto begin = place_of(*disk, 0, 5);
  const auto end = end_of(*disk, 0);
  for (auto at = begin; at < end; ++at) {
    CAPTURE(at);
    auto fs = disk->after_kill();
    auto data = fs->content(path("log.0"));
    data.resize(at);
    fs->set_content(path("log.0"), data);
    expect_last(*fs, 4);
  }
}

TEST_CASE("WAL-08 zeros from every byte of the last record on") {
  const auto disk = disk_with(5);
  const auto begin = place_of(*disk, 0, 5);
  const auto end = end_of(*disk, 0);
  for (auto at = begin; at < end; ++at) {
    CAPTURE(at);
    auto fs = disk->after_kill();
    zero(*fs, "log.0", at, end);
    expect_last(*fs, 4);
  }
}

TEST_CASE("WAL-08 file cut short at every byte of a batch of four keeps the whole records before it") {
  const auto disk = disk_with(8);
  const auto end = end_of(*disk, 0);
  for (auto at = place_of(*disk, 0, 5); at < end; at += 3) {
    CAPTURE(at);
    std::uint64_t whole = 4;
    while (whole < 8 && (whole + 1 == 8 ? end : place_of(*disk, 0, whole + 2)) <= at)
      ++whole;
    auto fs = disk->after_kill();
    zero(*fs, "log.0", at, end);
    expect_last(*fs, whole);
  }
}

TEST_CASE("WAL-08 first sector of the last batch lost, later ones written: the batch is cut") {
  auto fs = disk_with(12);
  const auto begin = place_of(*fs, 0, 9);
  zero(*fs, "log.0", begin, (begin / 512 + 1) * 512);
  expect_last(*fs, 8);
}

TEST_CASE("WAL-08 middle sector of a large record lost: the record is cut") {
  auto fs = disk_with(3);
  {
    auto made = open_log(*fs);
    const bytes big(4000, std::byte{0x55});
    const record_view r{{4}, {1}, 1, false, big};
    REQUIRE(made.instance->append({&r, 1}).ok());
    REQUIRE(made.instance->sync().ok());
  }
  zero(*fs, "log.0", 2048, 2560);
  expect_last(*fs, 3);
}

TEST_CASE("WAL-08 only the record header reached the disk") {
  auto fs = disk_with(5);
  zero(*fs, "log.0", place_of(*fs, 0, 5) + 32, end_of(*fs, 0));
  expect_last(*fs, 4);
}

TEST_CASE("WAL-08 nothing of the first record is whole: an empty log") {
  auto fs = disk_with(1);
  zero(*fs, "log.0", place_of(*fs, 0, 1) + 40, end_of(*fs, 0));
  expect_last(*fs, 0);
}

TEST_CASE("WAL-08 preallocated space without a record: the size comes back to the rule") {
  auto fs = disk_with(2);
  auto data = fs->content(path("log.0"));
  const auto ruled = data.size();
  data.resize(ruled + 8192);
  fs->set_content(path("log.0"), data);
  expect_last(*fs, 2);
  CHECK(fs->content(path("log.0")).size() == ruled);
}

TEST_CASE("WAL-08 file that ends right after its last record: zeros are added again") {
  auto fs = disk_with(2);
  auto data = fs->content(path("log.0"));
  const auto ruled = data.size();
  data.resize(end_of(*fs, 0));
  fs->set_content(path("log.0"), data);
  expect_last(*fs, 2, {{2}, {1}});
  CHECK(fs->content(path("log.0")).size() == ruled);
}

TEST_CASE("WAL-08 after a torn tail was cut the file equals one that never had it") {
  auto torn = disk_with(5);
  zero(*torn, "log.0", place_of(*torn, 0, 5) + 33, end_of(*torn, 0));
  const auto plain = disk_with(4);
  expect_last(*torn, 4);
  expect_last(*plain, 4);
  CHECK(torn->all() == plain->all());
}

TEST_CASE("WAL-08 torn tail exactly at the hint's next entry is cut, the hinted entry stays") {
  auto fs = disk_with(5);
  zero(*fs, "log.0", place_of(*fs, 0, 5) + 33, end_of(*fs, 0));
  expect_last(*fs, 4, {{4}, {1}});
}

TEST_CASE("WAL-08 stop between the cut and its log file: the file is made") {
  auto fs = disk_with(2);
  {
    auto made = open_log(*fs);
    REQUIRE(append(*made.instance, {entry(3, 1, true)}).ok());
  }
  fs->remove(path("log.1"));
  auto made = open_log(*fs, {{3}, {1}});
  CHECK_FALSE(made.report.rotten());
  CHECK(made.instance->current_generation().value == 1);
  CHECK(made.instance->last_index().value == 3);
  CHECK(made.instance->pending_cuts().size() == 1);
}

TEST_CASE("WAL-08 stop before the cut record: the unfinished next log file goes away") {
  auto fs = disk_with(2);
  fs->set_content(path("log.1.new"), bytes_of("half made"));
  auto made = open_log(*fs);
  CHECK_FALSE(fs->exists(path("log.1.new")));
  CHECK(made.report.removed == std::vector<std::string>{"log.1.new"});
  CHECK(made.instance->last_index().value == 2);
}

TEST_CASE("WAL-08 unfinished base file goes away, the log serves as before") {
  auto fs = disk_with(2);
  {
    auto made = open_log(*fs);
    fill(*made.instance, 3, 6, 1, 4);
  }
  fs->set_content(path("base.1.new"), state_of(1, 500));
  auto made = open_log(*fs, {{6}, {1}});
  CHECK_FALSE(fs->exists(path("base.1.new")));
  CHECK_FALSE(made.report.rotten());
  CHECK(made.instance->base().gen.value == 0);
  CHECK(made.instance->last_index().value == 6);
  check_entries(*made.instance);
}

TEST_CASE("WAL-08 first start that stopped after log.0: begins again") {
  fake_file_system fs;
  { auto made = open_log(fs); }
  fs.remove(path("base.0"));
  auto made = open_log(fs);
  CHECK(made.report.first_start);
  CHECK(fs.exists(path("base.0")));
}

TEST_CASE("WAL-08 torn tail in the newest of three logs is cut there alone") {
  auto fs = disk_with(3);
  {
    auto made = open_log(*fs);
    fill(*made.instance, 4, 12, 1, 6);
    fill(*made.instance, 13, 18, 2, 14);
  }
  zero(*fs, "log.2", place_of(*fs, 2, 18) + 35, end_of(*fs, 2));
  expect_last(*fs, 17, {{14}, {2}});
}

TEST_CASE("WAL-08 set-aside files of a drop that was interrupted are reclaimed later") {
  auto fs = disk_with(2);
  fs->set_content(path("base.7.drop"), state_of(7, 100));
  auto made = open_log(*fs);
  CHECK(fs->exists(path("base.7.drop")));
  reclaim_all(*made.instance);
  CHECK_FALSE(fs->exists(path("base.7.drop")));
}
