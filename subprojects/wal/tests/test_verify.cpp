// The offline check (WAL-04, WAL-09), and the real file system underneath.
#include "fixture.hpp"

#include "file_names.hpp"
#include "wal/meta_pair.hpp"
#include "wal/verify.hpp"

#include <cstdlib>
#include <filesystem>

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

std::unique_ptr<fake_file_system> two_generations() {
  auto fs = std::make_unique<fake_file_system>();
  auto made = open_log(*fs);
  fill(*made.instance, 1, 20, 1, 12);
  write_base(*made.instance, 1);
  return fs;
}

verify_report check(fake_file_system& fs, const verify_options& options = {}) {
  auto out = verify_directory(fs, wal_dir, options);
  REQUIRE(out.ok());
  return std::move(*out);
}

const file_check& row(const verify_report& report, const std::string& name) {
  for (const auto& r : report.files)
    if (r.name == name)
      return r;
  FAIL("no row for " << name);
  return report.files.front();
}

} // namespace

TEST_CASE("WAL-09 report of a sound directory: rows, ranges, digests") {
  auto fs = two_generations();
  const auto report = check(*fs, {5, {{20}, {1}}});
  CHECK(report.sound());
  REQUIRE(report.files.size() == 4);
  CHECK(report.files[0].name == "base.0");
  CHECK(report.files[3].name == "log.1");
  CHECK(row(report, "log.0").records == 12);
  CHECK(row(report, "log.1").first_index.value == 13);
  CHECK(row(report, "log.1").last_index.value == 20);
  CHECK(row(report, "base.1").last_index.value == 12);
  CHECK(row(report, "base.1").chain == row(report, "log.0").chain);
  REQUIRE(report.digests.size() == 4);
  auto made = open_log(*fs);
  for (const auto& d : report.digests)
    CHECK(*made.instance->chain_at(d.index) == d.chain);
}

TEST_CASE("WAL-09 check changes nothing, also where a start would repair") {
  auto fs = two_generations();
  zero(*fs, "log.1", place_of(*fs, 1, 20) + 40, end_of(*fs, 1));
  const auto before = fs->all();
  const auto calls = fs->calls();
  const auto report = check(*fs);
  CHECK(row(report, "log.1").state == file_state::torn);
  CHECK_FALSE(report.sound());
  CHECK(fs->all() == before);
  CHECK(fs->calls() == calls);
}

TEST_CASE("WAL-07 check names the rotten file") {
  for (const std::string name : {"base.1", "log.0", "log.1"}) {
    auto fs = two_generations();
    flip_bit(*fs, name, 150);
    const auto report = check(*fs);
    CHECK(row(report, name).state == file_state::rotten);
    CHECK_FALSE(row(report, name).detail.empty());
    CHECK_FALSE(report.sound());
  }
}

TEST_CASE("WAL-09 check tells missing files, a hint that is ahead, files of others and of work under way") {
  auto fs = two_generations();
  CHECK_FALSE(check(*fs, {0, {{21}, {1}}}).sound());
  fs->set_content(path("notes.txt"), bytes_of("mine"));
  fs->set_content(path("base.2.part"), bytes_of("begun"));
  const auto report = check(*fs);
  CHECK(report.sound());
  CHECK(row(report, "notes.txt").state == file_state::foreign);
  CHECK(row(report, "base.2.part").state == file_state::unfinished);
  fs->remove(path("log.0"));
  CHECK_FALSE(check(*fs).sound());
}

TEST_CASE("WAL-09 file names: only ours pass") {
  CHECK(parse_file_name("base.0")->is_base);
  CHECK(parse_file_name("log.18446744073709551615")->gen.value == ~std::uint64_t{0});
  CHECK(parse_file_name("log.3.new")->suffix == ".new");
  for (const auto* bad : {"", "base", "base.", "base.x", "base.01", "log.-1", "log.1.bak",
                          "log.18446744073709551616", "logs.1", "log.1 ", "base..new"})
    CHECK_FALSE(parse_file_name(bad).has_value());
}

TEST_CASE("WAL-01 the real file system: a whole life in a directory") {
  char scratch[] = "wal-test-XXXXXX";
  REQUIRE(::mkdtemp(scratch) != nullptr);
  const auto dir = std::string(scratch) + "/wal";
  auto& fs = posix_file_system();
  {
    auto made = holdfast::wal::log::open(fs, dir, small_options(), {});
    REQUIRE(made.ok());
    fill(*made->instance, 1, 100, 1, 50);
    write_base(*made->instance, 1);
    fill(*made->instance, 101, 200, 2, 150);
    write_base(*made->instance, 2);
    REQUIRE(made->instance->drop_old_generations().ok());
    reclaim_all(*made->instance);
    REQUIRE(made->instance->truncate_from({190}).ok());
  }
  auto made = holdfast::wal::log::open(fs, dir, small_options(), {{189}, {2}});
  REQUIRE(made.ok());
  CHECK(made->report.damages.empty());
  CHECK(made->instance->last_index().value == 189);
  check_entries(*made->instance);
  CHECK(verify_directory(fs, dir, {})->sound());
  CHECK(verify_directory(fs, dir + "/none", {}).failure().kind == error_kind::not_found);
  CHECK(fs.open(dir + "/none", open_mode::read).failure().kind == error_kind::not_found);
  CHECK(fs.unlink(dir + "/none").failure().kind == error_kind::not_found);
  meta_pair pair(fs, std::string(scratch) + "/raft");
  REQUIRE(pair.load().ok());
  meta m;
  m.vote = "someone";
  REQUIRE(pair.save(m).ok());
  REQUIRE(pair.save(m).ok());
  std::filesystem::remove_all(scratch);
}
