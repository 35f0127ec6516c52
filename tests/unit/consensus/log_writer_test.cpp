// Bases as the log's writer deals with them: each in its turn, none given up, whatever the disk or another
// member does meanwhile.
#include "log_writer_fixture.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;
using testing::log_writer_fixture;

namespace {

/// Jobs as threads would have them: begun, not ended yet.
struct held_jobs {
  struct held {
    replay::snapshot_job* job = nullptr;
    std::function<void()> done;
  };
  std::vector<held> all;

  log_writer_fixture::run_job take() {
    return [this](replay::snapshot_job& job, const std::function<void()>& done) {
      all.push_back({&job, done});
    };
  }
  void end(std::size_t which, log_writer_fixture& disk) {
    auto ending = std::exchange(all.at(which), {});
    replay::run(*ending.job);
    ending.done();
    ending = {};
    disk.world.settle();
  }
};

} // namespace

TEST_CASE("a base that met a full disk is written before the one of the next cut") {
  log_writer_fixture disk;
  disk.files.full_for = "base.1.new";
  disk.cut(2, 1);
  CHECK_FALSE(disk.exists("base.1"));
  CHECK_FALSE(disk.exists("base.1.new")); // it would take the room the log needs
  disk.files.full_for.clear();
  disk.cut(3, 2);
  CHECK(disk.fatal.empty());
  CHECK(disk.exists("base.1"));
  CHECK(disk.exists("base.2"));
}

TEST_CASE("a base that met a full disk is tried again by itself, once there is more room than it filled") {
  int attempts = 0;
  log_writer_fixture disk([&](replay::snapshot_job& job, const std::function<void()>& done) {
    ++attempts;
    log_writer_fixture::in_place(job, done);
  });
  disk.files.full_for = "base.1.new";
  disk.cut(2, 1);
  disk.append(3, raft::kind_noop, {}); // an attempt with every write would be too often
  CHECK(attempts == 1);
  disk.world.advance(6s);
  CHECK(attempts == 2);
  disk.free_bytes = std::uint64_t{1} << 20; // below the floor
  disk.world.advance(60s);
  CHECK(attempts == 2);
  disk.files.full_for.clear();
  disk.free_bytes = std::uint64_t{1} << 30;
  disk.world.advance(6s);
  CHECK(attempts == 3);
  CHECK(disk.exists("base.1"));
  disk.world.advance(60s);
  CHECK(attempts == 3);
  CHECK(disk.fatal.empty());
}

TEST_CASE("a base does not begin before the one of the cut before it has ended") {
  held_jobs jobs;
  log_writer_fixture disk(jobs.take());
  disk.cut(2, 1);
  disk.cut(3, 2);
  REQUIRE(jobs.all.size() == 1);
  jobs.end(0, disk);
  REQUIRE(jobs.all.size() == 2);
  jobs.end(1, disk);
  CHECK(disk.fatal.empty());
  CHECK(disk.exists("base.1"));
  CHECK(disk.exists("base.2"));
}

TEST_CASE(
    "a base whose log gave way to a received snapshot while it was written is thrown away, and the next "
    "cut gets its own") {
  held_jobs jobs;
  log_writer_fixture disk(jobs.take());
  disk.cut(2, 1);
  disk.cut(3, 2);
  const auto received = disk.make_base(5, 50);
  disk.announce(received);
  disk.chunk(received, 0, received.bytes.size());
  disk.tell(msg::install_atom::value, received.meta, true);
  REQUIRE(disk.installed_told == std::vector<log_writer_fixture::installed>{{5, true}});
  disk.cut(51, 6);
  REQUIRE(jobs.all.size() == 1);
  jobs.end(0, disk);
  CHECK(disk.fatal.empty());
  CHECK_FALSE(disk.exists("base.1"));
  CHECK_FALSE(disk.exists("base.1.new"));
  REQUIRE(jobs.all.size() == 2);
  jobs.end(1, disk);
  CHECK(disk.exists("base.6"));
  CHECK(disk.fatal.empty());
}

TEST_CASE("WAL-11 a base whose sync failed ends the process and is not tried again") {
  held_jobs jobs;
  log_writer_fixture disk(jobs.take());
  disk.cut(2, 1);
  REQUIRE(jobs.all.size() == 1);
  disk.files.syncs_fail = true;
  jobs.end(0, disk);
  REQUIRE(disk.fatal.size() == 1);
  CHECK(disk.fatal.front().code == msg::exit_code::log_io);
  disk.files.syncs_fail = false;
  disk.world.advance(60s);
  CHECK(jobs.all.size() == 1);
  CHECK_FALSE(disk.exists("base.1"));
}

TEST_CASE("WAL-11 a received snapshot whose sync failed ends the process and is not received again") {
  log_writer_fixture disk;
  const auto base = disk.make_base(5, 50);
  disk.announce(base);
  disk.chunk(base, 0, base.bytes.size());
  disk.files.syncs_fail = true;
  disk.tell(msg::install_atom::value, base.meta, true);
  REQUIRE(disk.fatal.size() == 1);
  CHECK(disk.fatal.front().code == msg::exit_code::log_io);
  CHECK(disk.installed_told.empty());
}

TEST_CASE("a late chunk of another transfer does not harm the one that runs") {
  log_writer_fixture disk;
  const auto wanted = disk.make_base(5, 50);
  const auto given_up = disk.make_base(4, 40);
  disk.announce(given_up);
  disk.chunk(given_up, 0, 64);
  disk.announce(wanted);
  disk.chunk(wanted, 0, 64);
  disk.chunk(given_up, 64, 16); // in between
  disk.chunk(wanted, 64, wanted.bytes.size());
  disk.chunk(given_up, 0, 64); // after the end
  auto other_size = wanted;
  other_size.meta.size.value += 8;
  disk.chunk(other_size, 0, 64);
  CHECK(disk.stored_told ==
        std::vector<log_writer_fixture::stored>{{4, 0}, {4, 64}, {5, 0}, {5, 64}, {5, wanted.bytes.size()}});
  disk.tell(msg::install_atom::value, wanted.meta, true);
  CHECK(disk.installed_told == std::vector<log_writer_fixture::installed>{{5, true}});
  CHECK(disk.exists("base.5"));
  disk.chunk(wanted, 0, 64); // sent twice: nothing begins anew
  CHECK_FALSE(disk.exists("base.5.part"));
  CHECK(disk.fatal.empty());
}

TEST_CASE("an install of what is not held is answered, and the snapshot can be sent again") {
  log_writer_fixture disk;
  const auto base = disk.make_base(5, 50);
  disk.tell(msg::install_atom::value, base.meta, true);
  CHECK(disk.installed_told == std::vector<log_writer_fixture::installed>{{5, false}});
  disk.announce(base);
  disk.chunk(base, 0, base.bytes.size());
  disk.tell(msg::install_atom::value, base.meta, true);
  CHECK(disk.installed_told == std::vector<log_writer_fixture::installed>{{5, false}, {5, true}});
  CHECK(disk.fatal.empty());
}
