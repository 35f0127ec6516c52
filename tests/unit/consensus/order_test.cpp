// The order that makes an acknowledgement worth something: proposal, disk, commit, apply, answer. The disk is
// an actor that writes down what it is asked and says "durable" when the test wants it.
#include "group_fixture.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

struct paper_disk {
  std::vector<msg::persist_ptr> asked;
  std::vector<msg::snapshot_bytes_ptr> chunks;
  msg::consensus_actor consensus;
};

class paper_writer final : public runtime::counting_actor<msg::log_writer_actor::base> {
public:
  paper_writer(caf::actor_config& cfg, runtime::card_ptr card, std::shared_ptr<paper_disk> disk)
      : counting_actor(cfg, std::move(card)), disk_(std::move(disk)) {}

  behavior_type make_behavior() override {
    using namespace msg;
    return {
        [this](attach_atom, const caf::strong_actor_ptr& consensus, const caf::strong_actor_ptr& replay) {
          disk_->consensus = caf::actor_cast<consensus_actor>(consensus);
          auto found = std::make_shared<recovered_log>();
          found->self = *raft::parse_node_id("11111111-2222-4333-8444-555555555555");
          found->cluster = *raft::parse_cluster_id("aaaaaaaa-2222-4333-8444-555555555555");
          found->state.term = {1};
          found->log.push_back(
              {{1},
               {1},
               raft::kind_config,
               std::make_shared<const std::string>(raft::encode_config(raft::make_config({found->self})))});
          send(caf::actor_cast<replay_group_actor>(replay), snapshot_atom::value, state_image_ptr{},
               std::uint64_t{0}, std::uint64_t{1});
          send(disk_->consensus, recovered_atom::value, recovered_ptr(found));
        },
        [this](persist_atom, const persist_ptr& request) { disk_->asked.push_back(request); },
        [](commit_atom, std::uint64_t, std::uint64_t) {},
        [](readlog_atom, const raft::log_read&) {},
        [](snapshot_atom, std::uint64_t, const frame_ptr&, const view_ptr&) {},
        [](chunk_atom, const raft::snapshot_meta&, std::uint64_t, std::uint64_t,
           const caf::strong_actor_ptr&) {},
        [this](chunk_atom, const snapshot_bytes_ptr& chunk) { disk_->chunks.push_back(chunk); },
        [](install_atom, const raft::snapshot_meta&, bool) {},
        [](digests_atom, std::uint64_t) { return log_digest{}; },
    };
  }

private:
  std::shared_ptr<paper_disk> disk_;
};

struct paper_group {
  std::shared_ptr<paper_disk> disk = std::make_shared<paper_disk>();
  runtime::test_world world;
  runtime::actor_directory directory;
  msg::log_writer_actor writer;
  msg::replay_group_actor replay;
  msg::consensus_actor consensus;
  std::vector<msg::fatal_report> fatal;

  paper_group() {
    const auto die = [this](const msg::fatal_report& report) { fatal.push_back(report); };
    writer = world.system().spawn<paper_writer>(directory.open("log_writer", "node"), disk);
    replay::replay_config store;
    store.fatal = die;
    store.feed = std::make_shared<replay::change_feed>();
    replay = world.system().spawn<replay::replay_impl>(directory.open("replay", "node"), store);
    consensus::consensus_config core;
    core.fatal = die;
    core.limits.max_uncommitted_entries = 8;
    consensus = world.system().spawn<consensus::consensus_impl>(directory.open("consensus", "node"), core);
    const auto w = caf::actor_cast<caf::strong_actor_ptr>(writer);
    const auto r = caf::actor_cast<caf::strong_actor_ptr>(replay);
    const auto c = caf::actor_cast<caf::strong_actor_ptr>(consensus);
    caf::anon_send(replay, msg::attach_atom::value, c, w);
    caf::anon_send(consensus, msg::attach_atom::value, w, r, caf::strong_actor_ptr{});
    caf::anon_send(writer, msg::attach_atom::value, c, r);
    world.settle();
  }
  ~paper_group() {
    for (const auto& actor : {caf::actor_cast<caf::actor>(consensus), caf::actor_cast<caf::actor>(replay),
                              caf::actor_cast<caf::actor>(writer)})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    world.advance(1s);
  }

  /// The disk finished everything it was asked so far.
  void durable() {
    REQUIRE_FALSE(disk->asked.empty());
    caf::anon_send(consensus, msg::persisted_atom::value, disk->asked.back()->sequence);
    world.settle();
  }
  /// Until nothing more is asked of the disk: elected, noop and activation committed.
  void become_active() {
    for (std::size_t seen = 0; seen != disk->asked.size();) {
      seen = disk->asked.size();
      durable();
    }
  }
  std::shared_ptr<std::optional<msg::write_result>> write(const std::string& key) {
    auto place = world.begin<msg::write_result>(replay, msg::write_atom::value,
                                                testing::group_fixture::put(key, "{}"));
    world.settle();
    return place;
  }
};

} // namespace

TEST_CASE("a write is answered only after its entry is durable, and then it is applied") {
  paper_group group;
  group.become_active();
  const auto asked = group.disk->asked.size();
  auto answer = group.write("a");
  REQUIRE(group.disk->asked.size() == asked + 1);
  REQUIRE(group.disk->asked.back()->entries.size() == 1);
  CHECK_FALSE(answer->has_value());
  group.world.advance(300ms); // time alone answers nobody
  CHECK_FALSE(answer->has_value());
  group.durable();
  REQUIRE(answer->has_value());
  CHECK((*answer)->status == msg::write_status::applied);
  CHECK((*answer)->index == group.disk->asked.back()->entries.front().index.value);
}

TEST_CASE("writes that come while the disk is busy share the next request, and each gets its own index") {
  paper_group group;
  group.become_active();
  auto first = group.write("a");
  const auto asked = group.disk->asked.size();
  std::vector<std::shared_ptr<std::optional<msg::write_result>>> others;
  for (const auto* key : {"b", "c", "d"}) {
    others.push_back(group.world.begin<msg::write_result>(group.replay, msg::write_atom::value,
                                                          testing::group_fixture::put(key, "{}")));
  }
  group.world.settle();
  REQUIRE(group.disk->asked.size() == asked + 1);
  CHECK(group.disk->asked.back()->entries.size() == 3);
  caf::anon_send(group.consensus, msg::persisted_atom::value, group.disk->asked[asked - 1]->sequence);
  group.world.settle();
  CHECK(first->has_value());
  CHECK_FALSE(others.front()->has_value());
  group.durable();
  for (std::size_t i = 0; i < others.size(); ++i) {
    REQUIRE(others[i]->has_value());
    CHECK((*others[i])->index == (*first)->index + 1 + i);
  }
}

TEST_CASE("a linearizable read waits for every write that was acknowledged before it, and no proposal is "
          "lost to it") {
  paper_group group;
  group.become_active();
  auto write = group.write("a");
  auto early =
      group.world.begin<msg::read_result>(group.replay, msg::read_atom::value, msg::consistency::linear);
  group.world.settle();
  REQUIRE(early->has_value()); // the write is not acknowledged yet: a read need not see it
  CHECK((*early)->view->get("things", "a") == nullptr);
  group.durable();
  REQUIRE(write->has_value());
  auto late =
      group.world.ask<msg::read_result>(group.replay, msg::read_atom::value, msg::consistency::linear);
  REQUIRE(late);
  CHECK(late->view->get("things", "a") != nullptr);
}

TEST_CASE("beyond the bound of what may be under way, writes are refused before anything is proposed") {
  paper_group group;
  group.become_active();
  std::vector<std::shared_ptr<std::optional<msg::write_result>>> answers;
  for (int i = 0; i < 12; ++i)
    answers.push_back(group.write("k" + std::to_string(i)));
  int overloaded = 0;
  for (const auto& answer : answers)
    overloaded += answer->has_value() && (*answer)->status == msg::write_status::overloaded ? 1 : 0;
  CHECK(overloaded == 4);
  group.durable();
  int applied = 0;
  for (const auto& answer : answers)
    applied += answer->has_value() && (*answer)->status == msg::write_status::applied ? 1 : 0;
  CHECK(applied == 8);
}

TEST_CASE("a node that is not active refuses writes as surely not done") {
  paper_group group; // the disk never finished anything: elected or not, nothing is committed
  auto answer = group.write("a");
  REQUIRE(answer->has_value());
  CHECK((*answer)->status == msg::write_status::not_done);
  CHECK((*answer)->reason == "this node is not the active one");
  CHECK(group.fatal.empty());
}

TEST_CASE("what waits when the store ends is answered as unknown, reads as refused") {
  paper_group group;
  group.become_active();
  auto write = group.write("a");
  CHECK_FALSE(write->has_value());
  caf::anon_send_exit(group.replay, caf::exit_reason::kill);
  group.world.settle();
  REQUIRE(write->has_value());
  CHECK((*write)->status == msg::write_status::unknown);
}

TEST_CASE("ENR-11 a membership change whose answer goes down with consensus is unknown, not refused") {
  paper_group group;
  group.become_active();
  raft::membership_change change;
  change.id = *raft::parse_node_id("22222222-2222-4333-8444-555555555555");
  change.address = "10.0.0.2:8093";
  auto place = group.world.begin<msg::admin_result>(group.consensus, msg::members_atom::value, change);
  group.world.settle();
  REQUIRE_FALSE(place->has_value()); // it waits for the disk
  caf::anon_send_exit(caf::actor_cast<caf::actor>(group.consensus), caf::exit_reason::kill);
  group.world.settle();
  REQUIRE(place->has_value());
  CHECK_FALSE((*place)->done);
  CHECK((*place)->unknown);
}

TEST_CASE("a member's chunk without bytes does not reach the disk: there it would announce a transfer") {
  paper_group group;
  auto chunk = std::make_shared<msg::snapshot_bytes>();
  chunk->meta.id = {7};
  caf::anon_send(group.consensus, msg::chunk_atom::value,
                 msg::snapshot_bytes_ptr(std::make_shared<msg::snapshot_bytes>(*chunk)));
  group.world.settle();
  CHECK(group.disk->chunks.empty());
  chunk->bytes = "x";
  caf::anon_send(group.consensus, msg::chunk_atom::value, msg::snapshot_bytes_ptr(chunk));
  group.world.settle();
  CHECK(group.disk->chunks.size() == 1);
}

TEST_CASE(
    "WAL-06 a state that was right where it was doubted first is doubted again where it differs later") {
  runtime::test_world world;
  runtime::actor_directory directory;
  replay::replay_config config;
  config.fatal = [](const msg::fatal_report&) { FAIL("the store ended"); };
  config.feed = std::make_shared<replay::change_feed>();
  const auto verdict = config.verdict;
  const msg::replay_group_actor store =
      world.system().spawn<replay::replay_impl>(directory.open("replay", "node"), config);
  caf::anon_send(store, msg::snapshot_atom::value, msg::state_image_ptr{}, std::uint64_t{0},
                 std::uint64_t{0});
  auto batch = std::make_shared<msg::apply_batch>();
  const auto add = [&batch](msg::entry_kind kind, const msg::byte_buffer& bytes) {
    raft::entry entry;
    entry.index = {batch->entries.size() + 1};
    entry.term = {1};
    entry.kind = static_cast<std::uint8_t>(kind);
    entry.payload =
        std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    batch->entries.push_back(std::move(entry));
  };
  for (const std::uint64_t index : {1U, 3U}) { // each with the hash of a state that differs from this one
    msg::byte_buffer command;
    REQUIRE(encode(*testing::group_fixture::put("key", "{}"), command) == msg::codec_error::none);
    add(msg::entry_kind::command, command);
    msg::byte_buffer mark;
    encode(msg::state_hash_mark{index, {17, 4}}, mark);
    add(msg::entry_kind::state_hash, mark);
  }
  caf::anon_send(store, msg::apply_atom::value, msg::apply_ptr(batch));
  world.settle();
  CHECK(verdict->differs == 1);
  caf::anon_send(store, msg::judged_atom::value, std::uint64_t{1}, true);
  world.settle();
  CHECK(verdict->differs == 3);
  caf::anon_send(store, msg::judged_atom::value, std::uint64_t{3}, true);
  world.settle();
  CHECK(verdict->differs == 0);
  caf::anon_send_exit(caf::actor_cast<caf::actor>(store), caf::exit_reason::kill);
  world.advance(1s);
}
