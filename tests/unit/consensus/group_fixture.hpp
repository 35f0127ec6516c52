// log_writer, replay and consensus on the deterministic scheduler, over a real directory. Nothing runs before
// it is told, so a test can stop between any two steps of a write.
#pragma once

#include "actors/consensus/consensus_actor.hpp"
#include "actors/replay/log_writer_actor.hpp"
#include "actors/replay/replay_actor.hpp"
#include "faulty_files.hpp"
#include "runtime/test_world.hpp"

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace holdfast::testing {

class group_fixture {
public:
  group_fixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-group-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~group_fixture() {
    stop();
    std::filesystem::remove_all(root_);
  }

  /// Starts a life of the group and lets it settle: the node is then active, unless something is wrong.
  void start() {
    replay::log_writer_config disk;
    disk.fs = &files;
    disk.where = {root_ / "wal", root_ / "raft"};
    disk.first = {*raft::parse_node_id("11111111-2222-4333-8444-555555555555"),
                  *raft::parse_cluster_id("aaaaaaaa-2222-4333-8444-555555555555"), true};
    disk.options.small_step_bytes = 64 << 10;
    disk.options.large_step_bytes = 256 << 10;
    disk.options.spare_bytes = 16 << 10;
    disk.fatal = [this](const msg::fatal_report& report) { fatal.push_back(report); };
    disk.run_job = [](replay::snapshot_job& job, const std::function<void()>& done) {
      replay::run(job);
      done();
    };
    disk.free_bytes = free_bytes;
    replay::replay_config store;
    store.fatal = disk.fatal;
    store.feed = feed;
    store.compaction = compaction;
    consensus::consensus_config core;
    core.seed = ++seed_;
    core.fatal = disk.fatal;
    writer = world.system().spawn<replay::log_writer_impl>(directory.open("log_writer", "node"), disk);
    replay = world.system().spawn<replay::replay_impl>(directory.open("replay", "node"), store);
    consensus = world.system().spawn<consensus::consensus_impl>(directory.open("consensus", "node"), core);
    wire(writer);
    world.settle();
  }

  void stop() {
    for (const auto& actor : {caf::actor_cast<caf::actor>(consensus), caf::actor_cast<caf::actor>(replay),
                              caf::actor_cast<caf::actor>(writer)}) {
      if (actor)
        caf::anon_send_exit(actor, caf::exit_reason::kill);
    }
    consensus = nullptr;
    replay = nullptr;
    writer = nullptr;
    world.advance(std::chrono::seconds(1));
  }

  static msg::transaction_ptr put(const std::string& key, const std::string& json) {
    auto transaction = std::make_shared<msg::transaction>();
    transaction->principal = "test";
    transaction->mutations.push_back({"things", key, json});
    return transaction;
  }

  std::shared_ptr<std::optional<msg::write_result>> begin_write(const std::string& key,
                                                                const std::string& json) {
    return world.begin<msg::write_result>(replay, msg::write_atom::value, put(key, json));
  }
  std::optional<msg::write_result> write(const std::string& key, const std::string& json) {
    auto place = begin_write(key, json);
    world.settle();
    return *place;
  }
  /// The object's text, "" when there is none, "?" and the reason when the read was refused.
  std::string read(const std::string& key, msg::consistency how = msg::consistency::linear) {
    auto answer = world.ask<msg::read_result>(replay, msg::read_atom::value, how);
    if (!answer)
      return "? no answer";
    if (!answer->view)
      return "? " + answer->reason;
    const auto object = answer->view->get("things", key);
    return object ? object->json : "";
  }
  msg::consensus_status status() {
    return world.ask<msg::consensus_status>(replay, msg::status_atom::value)
        .value_or(msg::consensus_status{});
  }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return root_ / name; }

  faulty_files files;
  runtime::test_world world;
  runtime::actor_directory directory;
  std::shared_ptr<replay::change_feed> feed = std::make_shared<replay::change_feed>();
  replay::compaction_limits compaction;
  std::function<std::uint64_t()> free_bytes;
  std::vector<msg::fatal_report> fatal;
  msg::log_writer_actor writer;
  msg::replay_group_actor replay;
  msg::consensus_actor consensus;

private:
  void wire(const msg::log_writer_actor& disk) {
    const auto writer_ptr = caf::actor_cast<caf::strong_actor_ptr>(disk);
    const auto replay_ptr = caf::actor_cast<caf::strong_actor_ptr>(replay);
    const auto consensus_ptr = caf::actor_cast<caf::strong_actor_ptr>(consensus);
    caf::anon_send(replay, msg::attach_atom::value, consensus_ptr, writer_ptr);
    caf::anon_send(consensus, msg::attach_atom::value, writer_ptr, replay_ptr, caf::strong_actor_ptr{});
    caf::anon_send(disk, msg::attach_atom::value, consensus_ptr, replay_ptr);
  }

  std::filesystem::path root_;
  std::uint64_t seed_ = 0;
};

} // namespace holdfast::testing
