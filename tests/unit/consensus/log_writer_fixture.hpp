// log_writer alone, over a real directory, on the deterministic scheduler. Consensus and replay are actors
// that write down what they are told; the test says what they ask.
#pragma once

#include "actors/replay/log_writer_actor.hpp"
#include "faulty_files.hpp"
#include "runtime/test_world.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace holdfast::testing {

class log_writer_fixture {
public:
  struct stored {
    std::uint64_t id = 0;
    std::uint64_t bytes = 0;
    bool operator==(const stored&) const = default;
  };
  struct installed {
    std::uint64_t id = 0;
    bool ok = false;
    bool operator==(const installed&) const = default;
  };
  /// A base of another member, as it travels.
  struct foreign_base {
    raft::snapshot_meta meta;
    std::string bytes;
  };
  using run_job = std::function<void(replay::snapshot_job&, const std::function<void()>&)>;

  explicit log_writer_fixture(run_job how = in_place) {
    std::string pattern = (std::filesystem::temp_directory_path() / "holdfast-writer-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    replay::log_writer_config disk;
    disk.fs = &files;
    disk.where = {root_ / "wal", root_ / "raft"};
    disk.first = {*raft::parse_node_id("11111111-2222-4333-8444-555555555555"),
                  *raft::parse_cluster_id("aaaaaaaa-2222-4333-8444-555555555555"), true};
    disk.options.small_step_bytes = 64 << 10;
    disk.options.large_step_bytes = 256 << 10;
    disk.options.spare_bytes = 16 << 10;
    disk.fatal = [this](const msg::fatal_report& report) { fatal.push_back(report); };
    disk.free_bytes = [this] { return free_bytes; };
    disk.run_job = std::move(how);
    writer = world.system().spawn<replay::log_writer_impl>(directory_.open("log_writer", "node"), disk);
    consensus_ = world.system().spawn([this](caf::event_based_actor*) { return listening_consensus(); });
    replay_ = world.system().spawn([](caf::event_based_actor*) { return deaf_replay(); });
    tell(msg::attach_atom::value, caf::actor_cast<caf::strong_actor_ptr>(consensus_),
         caf::actor_cast<caf::strong_actor_ptr>(replay_));
  }
  ~log_writer_fixture() {
    for (const auto& actor : {caf::actor_cast<caf::actor>(writer), consensus_, replay_})
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    world.advance(std::chrono::seconds(1));
    std::filesystem::remove_all(root_);
  }
  log_writer_fixture(const log_writer_fixture&) = delete;
  log_writer_fixture& operator=(const log_writer_fixture&) = delete;

  static void in_place(replay::snapshot_job& job, const std::function<void()>& done) {
    replay::run(job);
    done();
  }

  template <class... Ts>
  void tell(Ts&&... what) {
    caf::anon_send(writer, std::forward<Ts>(what)...);
    world.settle();
  }

  void append(std::uint64_t index, std::uint8_t kind, const msg::byte_buffer& payload) {
    auto request = std::make_shared<raft::persist_request>();
    request->sequence = ++sequence_;
    request->entries.push_back(
        {{1},
         {index},
         kind,
         std::make_shared<const std::string>(reinterpret_cast<const char*>(payload.data()), payload.size())});
    tell(msg::persist_atom::value, msg::persist_ptr(request));
  }
  /// A compact entry goes into the log, and replay orders its base.
  void cut(std::uint64_t index, std::uint64_t generation) {
    const msg::compact_mark mark{generation};
    msg::byte_buffer payload;
    encode(mark, payload);
    append(index, static_cast<std::uint8_t>(msg::entry_kind::compact), payload);
    replay::object_store store;
    store.apply(index, mark);
    tell(msg::snapshot_atom::value, index,
         msg::frame_ptr(std::make_shared<const std::string>(raft::encode_config(members()))), store.view());
  }

  foreign_base make_base(std::uint64_t generation, std::uint64_t index) {
    replay::object_store store;
    store.apply(index, msg::compact_mark{generation});
    const auto path = (root_ / "made").string();
    auto file = wal::posix_file_system().open(path, wal::open_mode::create);
    wal::base_info info;
    info.gen = {generation};
    info.index = {index};
    info.term = {1};
    wal::base_writer base(std::move(*file), path, info);
    const auto to_the_end = [](std::size_t) { return true; };
    if (!write_base(base, raft::encode_config(members()), store.state(), to_the_end) || !base.finish())
      throw std::runtime_error("no base could be made in " + path);
    std::ifstream in(path, std::ios::binary);
    foreign_base made;
    made.bytes.assign(std::istreambuf_iterator<char>(in), {});
    made.meta = {{generation}, {index}, {1}, {made.bytes.size()}, members()};
    return made;
  }
  void chunk(const foreign_base& base, std::uint64_t offset, std::uint64_t length) {
    auto bytes = std::make_shared<msg::snapshot_bytes>();
    bytes->meta = base.meta;
    bytes->offset = offset;
    bytes->bytes = base.bytes.substr(offset, length);
    tell(msg::chunk_atom::value, msg::snapshot_bytes_ptr(bytes));
  }
  /// What the core's wish to receive becomes: a chunk without bytes.
  void announce(const foreign_base& base) { chunk(base, 0, 0); }

  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(root_ / "wal" / name);
  }

  faulty_files files;
  std::uint64_t free_bytes = std::uint64_t{1} << 30;
  runtime::test_world world;
  std::vector<msg::fatal_report> fatal;
  std::vector<stored> stored_told;
  std::vector<installed> installed_told;
  msg::log_writer_actor writer;

private:
  static raft::config members() {
    return raft::make_config({*raft::parse_node_id("11111111-2222-4333-8444-555555555555")});
  }

  caf::behavior listening_consensus() {
    return {
        [](msg::recovered_atom, const msg::recovered_ptr&) {},
        [](msg::persisted_atom, std::uint64_t) {},
        [](msg::full_atom, bool, const std::string&) {},
        [](msg::snapshot_atom, const raft::ev::snapshot_available&) {},
        [this](msg::chunk_atom, std::uint64_t id, std::uint64_t bytes) {
          stored_told.push_back({id, bytes});
        },
        [this](msg::install_atom, std::uint64_t id, bool ok) {
          installed_told.push_back({id, ok});
        },
    };
  }
  static caf::behavior deaf_replay() {
    return {
        [](msg::snapshot_atom, const msg::state_image_ptr&, std::uint64_t, std::uint64_t) {},
        [](msg::snapshot_atom, std::uint64_t, std::uint64_t) {},
    };
  }

  runtime::actor_directory directory_;
  std::filesystem::path root_;
  caf::actor consensus_;
  caf::actor replay_;
  std::uint64_t sequence_ = 0;
};

} // namespace holdfast::testing
