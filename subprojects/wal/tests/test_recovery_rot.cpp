// Rot: reported with its place and range, never served, never taken for a torn tail (WAL-07).
#include "fixture.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

/// Entries 1..20; cuts at 8 and 14; base.1 written, base.2 as told.
std::unique_ptr<fake_file_system> three_generations(bool with_base_2) {
  auto fs = std::make_unique<fake_file_system>();
  auto made = open_log(*fs);
  fill(*made.instance, 1, 10, 1, 8);
  write_base(*made.instance, 1);
  fill(*made.instance, 11, 20, 2, 14);
  if (with_base_2)
    write_base(*made.instance, 2);
  REQUIRE(made.instance->drop_old_generations().ok());
  reclaim_all(*made.instance);
  return fs;
}

std::unique_ptr<fake_file_system> rotting_disk_with(std::uint64_t n) {
  auto fs = std::make_unique<fake_file_system>();
  auto made = open_log(*fs);
  fill(*made.instance, 1, n);
  return fs;
}

log::opened expect_rot(fake_file_system& fs, synced_hint hint, const std::string& file, std::uint64_t served,
                       std::uint64_t last_lost) {
  auto made = open_log(fs, hint);
  REQUIRE(made.report.rotten());
  const auto& d = made.report.damages.front();
  CHECK(d.file == file);
  CHECK(d.first_lost.value == served + 1);
  CHECK(d.last_lost.value == last_lost);
  CHECK_FALSE(d.what.empty());
  CHECK(made.instance->last_index().value == served);
  CHECK(made.instance->refuses_appends());
  check_entries(*made.instance);
  const auto refused = append(*made.instance, {entry(served + 1, 9)});
  CHECK(refused.failure().kind == error_kind::damaged);
  return made;
}

void expect_usable_after_discard(fake_file_system& fs, holdfast::wal::log& target, std::uint64_t served) {
  REQUIRE(target.discard_damage().ok());
  REQUIRE(append(target, {entry(served + 1, 9)}).ok());
  REQUIRE(target.sync().ok());
  auto again = open_log(fs, {{served + 1}, {9}});
  CHECK_FALSE(again.report.rotten());
  CHECK(again.instance->last_index().value == served + 1);
  check_entries(*again.instance);
}

} // namespace

TEST_CASE("WAL-07 flipped bit in an entry before the hint") {
  auto fs = rotting_disk_with(9);
  const auto at = place_of(*fs, 0, 4);
  flip_bit(*fs, "log.0", at + 40);
  auto made = expect_rot(*fs, {{9}, {1}}, "log.0", 3, 9);
  CHECK(made.report.damages.front().offset == at);
  expect_usable_after_discard(*fs, *made.instance, 3);
}

TEST_CASE("WAL-07 torn shape before the hint is rot") {
  auto fs = rotting_disk_with(5);
  zero(*fs, "log.0", place_of(*fs, 0, 5) + 40, end_of(*fs, 0));
  auto made = expect_rot(*fs, {{5}, {1}}, "log.0", 4, 5);
  expect_usable_after_discard(*fs, *made.instance, 4);
}

TEST_CASE("WAL-07 flipped bit past the hint with whole records after it") {
  auto fs = rotting_disk_with(9);
  flip_bit(*fs, "log.0", place_of(*fs, 0, 4) + 40);
  expect_rot(*fs, {{2}, {1}}, "log.0", 3, 9);
}

TEST_CASE("WAL-07 flipped bit in the very last record, past the hint, does not look torn") {
  auto fs = rotting_disk_with(9);
  flip_bit(*fs, "log.0", place_of(*fs, 0, 9) + 40);
  expect_rot(*fs, {}, "log.0", 8, 9);
}

TEST_CASE("WAL-07 damaged length field: later records are found by their own check") {
  auto fs = rotting_disk_with(9);
  flip_bit(*fs, "log.0", place_of(*fs, 0, 6), 7);
  expect_rot(*fs, {}, "log.0", 5, 9);
}

TEST_CASE("WAL-07 lost sector with whole records more than one unsynced window later") {
  auto fs = rotting_disk_with(160);
  const auto at = place_of(*fs, 0, 4);
  REQUIRE(end_of(*fs, 0) - at > small_options().max_unsynced_bytes + 1024);
  zero(*fs, "log.0", at / 512 * 512 + 512, at / 512 * 512 + 1024);
  auto made = open_log(*fs);
  CHECK(made.report.rotten());
  CHECK(made.report.damages.front().last_lost.value == 160);
}

TEST_CASE("WAL-07 garbage in the space after the last record") {
  auto fs = rotting_disk_with(3);
  flip_bit(*fs, "log.0", end_of(*fs, 0) + 100);
  auto made = open_log(*fs, {{3}, {1}});
  // Nothing but a stray bit: no record header, no zero sector missing; the entries are whole and served.
  CHECK(made.instance->last_index().value == 3);
  check_entries(*made.instance);
}

TEST_CASE("WAL-07 synced entries vanished without a trace: zeros up to the end") {
  auto fs = rotting_disk_with(9);
  zero(*fs, "log.0", place_of(*fs, 0, 7), end_of(*fs, 0));
  auto made = expect_rot(*fs, {{9}, {1}}, "log.0", 6, 9);
  expect_usable_after_discard(*fs, *made.instance, 6);
}

TEST_CASE("WAL-07 an older copy of the log was put back: the hint is ahead") {
  auto fs = rotting_disk_with(9);
  const auto older = fs->content(path("log.0"));
  {
    auto made = open_log(*fs);
    fill(*made.instance, 10, 15);
  }
  fs->set_content(path("log.0"), older);
  expect_rot(*fs, {{15}, {1}}, "log.0", 9, 15);
}

TEST_CASE("WAL-07 the entry at the hint has another term") {
  auto fs = rotting_disk_with(9);
  auto made = open_log(*fs, {{9}, {4}});
  CHECK(made.report.rotten());
  CHECK(made.report.damages.front().first_lost.value == 9);
}

TEST_CASE("WAL-07 damaged log header: all its entries are lost, nothing else is") {
  auto fs = three_generations(false);
  flip_bit(*fs, "log.2", 20);
  auto made = expect_rot(*fs, {{20}, {2}}, "log.2", 14, 20);
  expect_usable_after_discard(*fs, *made.instance, 14);
}

TEST_CASE("WAL-07 log file of the newest base is missing") {
  auto fs = three_generations(true);
  fs->remove(path("log.2"));
  auto made = expect_rot(*fs, {{20}, {2}}, "log.2", 14, 20);
  CHECK(made.instance->base().gen.value == 2);
  expect_usable_after_discard(*fs, *made.instance, 14);
}

TEST_CASE("WAL-07 log file in the middle is missing") {
  auto fs = three_generations(false);
  fs->remove(path("log.1"));
  auto made = expect_rot(*fs, {{10}, {1}}, "log.1", 8, 20);
  expect_usable_after_discard(*fs, *made.instance, 8);
}

TEST_CASE("WAL-07 torn shape in a log that has a later file is rot") {
  auto fs = three_generations(false);
  zero(*fs, "log.1", place_of(*fs, 1, 14) + 36, end_of(*fs, 1));
  auto made = expect_rot(*fs, {}, "log.1", 13, 20);
  expect_usable_after_discard(*fs, *made.instance, 13);
  CHECK_FALSE(fs->exists(path("log.2")));
}

TEST_CASE("WAL-07 the cut record vanished from a log that has a later file") {
  auto fs = three_generations(false);
  zero(*fs, "log.1", place_of(*fs, 1, 14), end_of(*fs, 1));
  expect_rot(*fs, {}, "log.1", 13, 20);
}

TEST_CASE("WAL-07 newest base damaged: the one before it and the logs give the same entries") {
  auto fs = three_generations(true);
  flip_bit(*fs, "base.2", 5000);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK_FALSE(made.report.rotten());
  REQUIRE(made.report.damages.size() == 1);
  CHECK(made.report.damages.front().in_spare);
  CHECK(made.report.damages.front().file == "base.2");
  CHECK(made.instance->base().gen.value == 1);
  CHECK(made.instance->last_index().value == 20);
  check_entries(*made.instance);
  REQUIRE(made.instance->pending_cuts().size() == 1);
  write_base(*made.instance, 2); // the host meets the cut again while it replays, and mends the file
  auto again = open_log(*fs, {{20}, {2}});
  CHECK(again.report.damages.empty());
  CHECK(again.instance->base().gen.value == 2);
}

TEST_CASE("WAL-07 newest base missing: the one before it and the logs give the same entries") {
  auto fs = three_generations(true);
  fs->remove(path("base.2"));
  auto made = open_log(*fs, {{20}, {2}});
  CHECK(made.report.damages.empty());
  CHECK(made.instance->base().gen.value == 1);
  CHECK(made.instance->last_index().value == 20);
  check_entries(*made.instance);
}

TEST_CASE("WAL-07 base header damaged") {
  auto fs = three_generations(true);
  flip_bit(*fs, "base.2", 24);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK(made.instance->base().gen.value == 1);
  CHECK(made.instance->last_index().value == 20);
}

TEST_CASE("WAL-07 rot in the older generation: nothing is lost, the file is named") {
  auto fs = three_generations(true);
  flip_bit(*fs, "log.1", place_of(*fs, 1, 11) + 50);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK_FALSE(made.report.rotten());
  REQUIRE(made.report.damages.size() == 1);
  CHECK(made.report.damages.front().file == "log.1");
  CHECK(made.instance->first_index().value == 15);
  CHECK(made.instance->last_index().value == 20);
  CHECK(made.instance->read({11}, 100).failure().kind == error_kind::not_found);
  check_entries(*made.instance);
}

TEST_CASE("WAL-07 rot in the older base: nothing is lost, the file is named") {
  auto fs = three_generations(true);
  flip_bit(*fs, "base.1", 40000);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK_FALSE(made.report.rotten());
  REQUIRE(made.report.damages.size() == 1);
  CHECK(made.report.damages.front().file == "base.1");
  CHECK(made.instance->last_index().value == 20);
}

TEST_CASE("WAL-07 no base is readable: nothing is served, a discard begins from empty") {
  auto fs = three_generations(true);
  flip_bit(*fs, "base.1", 100);
  flip_bit(*fs, "base.2", 100);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK(made.report.rotten());
  CHECK(made.instance->last_index().value == 0);
  REQUIRE(made.instance->discard_damage().ok());
  REQUIRE(append(*made.instance, {entry(1)}).ok());
  REQUIRE(made.instance->sync().ok());
  auto again = open_log(*fs, {{1}, {1}});
  CHECK(again.report.damages.empty());
  CHECK(again.instance->last_index().value == 1);
}

TEST_CASE("WAL-07 directory emptied under a node that has synced entries") {
  fake_file_system fs;
  auto made = open_log(fs, {{33}, {2}});
  CHECK(made.report.rotten());
  CHECK_FALSE(made.report.first_start);
  CHECK(made.report.damages.back().last_lost.value == 33);
}

TEST_CASE("WAL-07 sector that cannot be read is rot, not the end of the process") {
  auto fs = rotting_disk_with(9);
  fs->make_unreadable(path("log.0"), place_of(*fs, 0, 6) + 10);
  auto made = open_log(*fs, {{9}, {1}});
  CHECK(made.report.rotten());
  CHECK(made.instance->last_index().value <= 5);
}

TEST_CASE("WAL-07 files of two generations swapped") {
  auto fs = three_generations(true);
  const auto one = fs->content(path("log.1"));
  fs->set_content(path("log.1"), fs->content(path("log.2")));
  fs->set_content(path("log.2"), one);
  auto made = open_log(*fs, {{20}, {2}});
  CHECK(made.report.rotten());
  CHECK(made.instance->last_index().value == 14);
}

TEST_CASE("WAL-07 record of another file in the right place does not pass") {
  auto fs = rotting_disk_with(3);
  auto other = three_generations(false);
  auto data = fs->content(path("log.0"));
  const auto foreign = other->content(path("log.1"));
  const auto from = place_of(*other, 1, 9);
  const auto to = place_of(*other, 1, 10);
  const auto at = end_of(*fs, 0);
  std::copy(foreign.begin() + static_cast<std::ptrdiff_t>(from),
            foreign.begin() + static_cast<std::ptrdiff_t>(to),
            data.begin() + static_cast<std::ptrdiff_t>(at));
  fs->set_content(path("log.0"), data);
  auto made = open_log(*fs);
  CHECK(made.report.rotten());
  CHECK(made.instance->last_index().value == 3);
}

TEST_CASE("WAL-07 rot that appears while running is met by read and by chain_at") {
  auto fs = rotting_disk_with(9);
  auto made = open_log(*fs, {{9}, {1}});
  const auto at = place_of(*fs, 0, 6) + 45;
  auto handle = fs->open(path("log.0"), open_mode::read_write);
  REQUIRE((*handle)->write_at(at, bytes_of("X")).ok());
  const auto before = made.instance->read({1}, 100000);
  REQUIRE(before.ok());
  CHECK(before->size() == 5);
  CHECK(made.instance->read({6}, 1000).failure().kind == error_kind::corrupt);
  CHECK(made.instance->chain_at({6}).failure().kind == error_kind::corrupt);
  CHECK(made.instance->read({7}, 1000).ok());
}

TEST_CASE("WAL-07 bits flipped in 1,000 places: every one found, none served") {
  const auto disk = three_generations(true);
  std::vector<std::string> names;
  for (const auto& [name, data] : disk->all())
    names.push_back(name.substr(wal_dir.size() + 1));
  std::mt19937_64 random(20240607);
  for (int i = 0; i < 1000; ++i) {
    auto fs = disk->after_kill();
    const auto& name = names[random() % names.size()];
    const auto limit =
        name.starts_with("log.") ? end_of(*disk, name == "log.1" ? 1 : 2) : fs->content(path(name)).size();
    const auto byte = random() % limit;
    const auto bit = static_cast<unsigned>(random() % 8);
    CAPTURE(name);
    CAPTURE(byte);
    CAPTURE(bit);
    flip_bit(*fs, name, byte, bit);
    auto made = open_log(*fs, {{20}, {2}});
    REQUIRE_FALSE(made.report.damages.empty());
    check_entries(*made.instance);
    CHECK(made.instance->last_index().value <= 20);
    CHECK((made.report.rotten() || made.instance->last_index().value == 20));
  }
}
