#include "group_fixture.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace holdfast;
using namespace std::chrono_literals;
using testing::group_fixture;

TEST_CASE("a fresh node founds its cluster, becomes active and stores what it acknowledged") {
  group_fixture group;
  group.start();
  const auto status = group.status();
  CHECK(status.role == "leader");
  CHECK(status.active_id == "11111111-2222-4333-8444-555555555555");
  CHECK(status.members.size() == 1);
  const auto answer = group.write("a", R"({"x":1})");
  REQUIRE(answer);
  CHECK(answer->status == msg::write_status::applied);
  CHECK(group.read("a") == R"({"x":1})");
  CHECK(group.read("a", msg::consistency::local) == R"({"x":1})");
  // Somebody looked: the next view stands there without being asked for, and it is the newest.
  group.write("a", R"({"x":2})");
  REQUIRE(group.feed->local_view->view);
  CHECK(group.feed->local_view->view->get("things", "a")->json == R"({"x":2})");
  // Nobody looked at that one: none is made, and none that is old stays.
  group.write("a", R"({"x":3})");
  CHECK_FALSE(group.feed->local_view->view);
  CHECK(group.read("a", msg::consistency::local) == R"({"x":3})");
  CHECK(std::filesystem::exists(group.path("wal/base.0")));
}

TEST_CASE("acknowledged writes survive the end of any actor of the group, and the indexes go on") {
  group_fixture group;
  group.start();
  std::uint64_t last = 0;
  for (int life = 0; life < 4; ++life) {
    const auto key = "k" + std::to_string(life);
    const auto answer = group.write(key, "{}");
    REQUIRE(answer);
    CHECK(answer->status == msg::write_status::applied);
    CHECK(answer->index > last);
    last = answer->index;
    group.stop();
    group.start();
    for (int earlier = 0; earlier <= life; ++earlier)
      CHECK(group.read("k" + std::to_string(earlier)) == "{}");
  }
  CHECK(group.fatal.empty());
}

TEST_CASE("WAL-11 a failed sync ends the process: one report, no answer, nothing tried again") {
  group_fixture group;
  group.start();
  group.files.syncs_fail = true;
  const auto syncs = group.files.syncs.load();
  auto answer = group.begin_write("a", "{}");
  group.world.settle();
  REQUIRE(group.fatal.size() == 1);
  CHECK(group.fatal.front().code == msg::exit_code::log_io);
  CHECK(group.fatal.front().what.find("fdatasync") != std::string::npos);
  CHECK_FALSE(answer->has_value());
  CHECK(group.files.syncs == syncs + 1);
  auto later = group.begin_write("b", "{}");
  group.world.advance(400ms);
  CHECK_FALSE(later->has_value());
  CHECK(group.fatal.size() == 1);
  CHECK(group.files.syncs == syncs + 1);
}

TEST_CASE("WAL-11 a full disk stops acceptance with the reason, room brings it back, nothing acknowledged is "
          "lost") {
  group_fixture group;
  group.start();
  const std::string big(60 << 10, 'x');
  group.files.full = true;
  std::vector<std::shared_ptr<std::optional<msg::write_result>>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(group.begin_write("k" + std::to_string(i), "\"" + big + "\""));
    group.world.advance(100ms);
  }
  int acknowledged = 0;
  int refused = 0;
  std::string reason;
  for (const auto& answer : answers) {
    if (!answer->has_value())
      continue;
    acknowledged += (*answer)->status == msg::write_status::applied ? 1 : 0;
    if ((*answer)->status == msg::write_status::not_done) {
      ++refused;
      reason = (*answer)->reason;
    }
  }
  CHECK(refused > 0);
  CHECK(reason == "no space left on the disk of this node");
  CHECK(group.fatal.empty());
  group.files.full = false;
  group.world.advance(2s);
  const auto answer = group.write("after", "{}");
  REQUIRE(answer);
  CHECK(answer->status == msg::write_status::applied);
  for (int i = 0; i < 8; ++i) {
    const auto& first = answers[static_cast<std::size_t>(i)];
    if (first->has_value() && (*first)->status == msg::write_status::applied)
      CHECK(group.read("k" + std::to_string(i)).size() == big.size() + 2);
    if (first->has_value() && (*first)->status == msg::write_status::not_done)
      CHECK(group.read("k" + std::to_string(i)).empty());
  }
}

TEST_CASE("WAL-11 before the disk is full nothing new is accepted, what is under way is finished, and room "
          "brings it back") {
  group_fixture group;
  std::uint64_t there = std::uint64_t{1} << 30;
  group.free_bytes = [&] { return there; };
  group.start();
  REQUIRE(group.write("a", "{}")->status == msg::write_status::applied);
  there = std::uint64_t{1} << 20;
  const auto last = group.write("b", "{}"); // finds out
  REQUIRE(last);
  CHECK(last->status == msg::write_status::applied);
  const auto refused = group.write("c", "{}");
  REQUIRE(refused);
  CHECK(refused->status == msg::write_status::not_done);
  CHECK(refused->reason.find("no space") != std::string::npos);
  there = std::uint64_t{1} << 30;
  group.world.advance(2s);
  REQUIRE(group.write("c", "{}")->status == msg::write_status::applied);
  CHECK(group.fatal.empty());
}

TEST_CASE("a disk that stays full ends the process with its own exit code") {
  group_fixture group;
  group.start();
  group.files.full = true;
  auto answer = group.begin_write("a", "\"" + std::string(100 << 10, 'x') + "\"");
  group.world.advance(9s);
  CHECK(group.fatal.empty());
  group.world.advance(2s);
  REQUIRE(group.fatal.size() == 1);
  CHECK(group.fatal.front().code == msg::exit_code::disk_full);
  CHECK((!answer->has_value() || (*answer)->status == msg::write_status::unknown));
}

TEST_CASE("WAL-05 the log is cut by an entry, a base is written, and a restart goes on from base and log") {
  group_fixture group;
  group.compaction.floor_bytes = 32 << 10;
  group.start();
  const std::string body = "\"" + std::string(1000, 'y') + "\"";
  for (int i = 0; i < 200; ++i)
    REQUIRE(group.write("k" + std::to_string(i % 50), body)->status == msg::write_status::applied);
  auto digest = group.world.ask<msg::log_digest>(group.writer, msg::digests_atom::value, std::uint64_t{0});
  REQUIRE(digest);
  CHECK(digest->generation >= 1);
  CHECK(digest->base_index > 0);
  CHECK(std::filesystem::exists(group.path("wal/base." + std::to_string(digest->generation))));
  REQUIRE(group.write("after", "{}")->status == msg::write_status::applied);
  group.stop();
  group.start();
  CHECK(group.read("after") == "{}");
  for (int i = 0; i < 50; ++i)
    CHECK(group.read("k" + std::to_string(i)) == body);
  CHECK(group.status().active_id == "11111111-2222-4333-8444-555555555555");
  CHECK(group.fatal.empty());
}

TEST_CASE(
    "WAL-07 rot in the generation before the base costs nothing: the node starts from its newest base") {
  group_fixture group;
  group.compaction.floor_bytes = 32 << 10;
  group.start();
  const std::string body = "\"" + std::string(1000, 'z') + "\"";
  for (int i = 0; i < 200; ++i)
    REQUIRE(group.write("k" + std::to_string(i % 50), body)->status == msg::write_status::applied);
  const auto digest =
      group.world.ask<msg::log_digest>(group.writer, msg::digests_atom::value, std::uint64_t{0});
  REQUIRE(digest);
  REQUIRE(digest->generation >= 2);
  group.world.advance(1s);
  group.stop();
  const auto older = group.path("wal/log." + std::to_string(digest->generation - 1));
  REQUIRE(std::filesystem::exists(older));
  {
    std::fstream bytes(older, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(5000);
    bytes.put('\x7f');
  }
  group.start();
  CHECK(group.fatal.empty());
  for (int i = 0; i < 50; ++i)
    CHECK(group.read("k" + std::to_string(i)) == body);
}

TEST_CASE("changes are told once, in order, and a restart of the group neither repeats nor loses them") {
  group_fixture group;
  group.start();
  std::vector<std::string> told;
  auto listener = group.world.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](msg::changes_atom, const msg::changes_ptr& batch) {
      for (const auto& change : *batch)
        told.push_back(change.key);
    }};
  });
  caf::anon_send(group.replay, msg::changes_atom::value, listener);
  group.world.settle();
  REQUIRE(group.write("a", "{}"));
  REQUIRE(group.write("b", "{}"));
  group.stop();
  group.start();
  REQUIRE(group.write("c", "{}"));
  CHECK(told == std::vector<std::string>{"a", "b", "c"});
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
}

TEST_CASE("an installed snapshot is told as changes that were missed") {
  group_fixture group;
  group.start();
  int missed = 0;
  auto listener = group.world.system().spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](msg::changes_atom, const msg::changes_ptr& batch) { missed += batch ? 0 : 1; }};
  });
  caf::anon_send(group.replay, msg::changes_atom::value, listener);
  REQUIRE(group.write("a", "{}"));
  const auto image = std::make_shared<replay::loaded_state>();
  image->state.applied_index = 1000;
  const std::uint64_t bytes = 100;
  const std::uint64_t last_index = 1000;
  caf::anon_send(group.replay, msg::snapshot_atom::value, msg::state_image_ptr(image), bytes, last_index);
  group.world.settle();
  CHECK(missed == 1);
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
}

TEST_CASE("WAL-07 a lone node whose acknowledged entries rotted refuses to start and changes nothing") {
  group_fixture group;
  group.start();
  for (int i = 0; i < 20; ++i)
    REQUIRE(group.write("k" + std::to_string(i), R"({"some":"payload"})"));
  group.world.advance(1s); // the synced hint is saved
  group.stop();
  const auto file = group.path("wal/log.0");
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(600);
    bytes.put('\x7f');
  }
  const auto before = std::filesystem::last_write_time(file);
  group.start();
  REQUIRE(group.fatal.size() == 1);
  CHECK(group.fatal.front().code == msg::exit_code::state_damaged);
  CHECK(std::filesystem::last_write_time(file) == before);
}

TEST_CASE("after a while of quiet following a write, a state hash is in the log, and then nothing more is "
          "written") {
  group_fixture group;
  group.start();
  REQUIRE(group.write("a", "{}"));
  const auto before = group.status().last_index;
  group.world.advance(15s);
  const auto after = group.status().last_index;
  CHECK(after == before + 1);
  group.world.advance(60s);
  CHECK(group.status().last_index == after);
  CHECK(group.read("a") == "{}");
}

TEST_CASE("a cut that is applied before its entry is on this disk gets its snapshot all the same") {
  group_fixture group;
  group.start();
  group.write("a", "{}");
  const auto before = group.status();
  const auto at = before.last_index + 1;
  const msg::compact_mark mark{1};
  msg::byte_buffer payload;
  encode(mark, payload);
  // As on a member that catches up: the leader's word commits the entry, so the order to write the base of
  // its cut is in the mailbox before the entry was written.
  auto request = std::make_shared<raft::persist_request>();
  request->sequence = 1'000'000;
  request->entries.push_back(
      {{before.term},
       {at},
       static_cast<std::uint8_t>(msg::entry_kind::compact),
       std::make_shared<const std::string>(reinterpret_cast<const char*>(payload.data()), payload.size())});
  replay::object_store store;
  store.apply(at, mark);
  const auto self = *raft::parse_node_id("11111111-2222-4333-8444-555555555555");
  const auto config = std::make_shared<const std::string>(raft::encode_config(raft::make_config({self})));
  caf::anon_send(group.writer, msg::persist_atom::value, msg::persist_ptr(request));
  caf::anon_send(group.writer, msg::snapshot_atom::value, at, msg::frame_ptr(config), store.view());
  group.world.advance(1s);
  CHECK(std::filesystem::exists(group.path("wal/base.1")));
}

TEST_CASE("WAL-05 a node whose base met a full disk writes it when there is room again, and cuts further") {
  group_fixture group;
  group.compaction.floor_bytes = 32 << 10;
  group.start();
  const std::string body = "\"" + std::string(1000, 'y') + "\"";
  const auto write_much = [&] {
    for (int i = 0; i < 100; ++i)
      REQUIRE(group.write("k" + std::to_string(i % 5), body)->status == msg::write_status::applied);
  };
  group.files.full_for = "base.1.new";
  write_much();
  REQUIRE(std::filesystem::exists(group.path("wal/log.1")));
  CHECK_FALSE(std::filesystem::exists(group.path("wal/base.1")));
  CHECK_FALSE(std::filesystem::exists(group.path("wal/log.2")));
  group.files.full_for.clear();
  group.world.advance(10s);
  CHECK(std::filesystem::exists(group.path("wal/base.1")));
  write_much();
  const auto digest =
      group.world.ask<msg::log_digest>(group.writer, msg::digests_atom::value, std::uint64_t{0});
  REQUIRE(digest);
  CHECK(digest->generation > 1);
  CHECK(group.fatal.empty());
}
