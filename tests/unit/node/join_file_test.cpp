// The way of a node's data into the backup and back, cut short anywhere (ENR-11), and the log set aside
// (WAL-07).
#include "actors/node/log_aside.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace holdfast::node;
namespace fs = std::filesystem;

namespace {

struct root_folder {
  root_folder() {
    std::string name = (fs::temp_directory_path() / "holdfast-join-XXXXXX").string();
    path = ::mkdtemp(name.data());
    fs::create_directories(path / "wal");
    fs::create_directories(path / "raft");
    write("wal/log.0", "old log");
    write("raft/meta.0", "old meta");
    write("ha-state.json", "{}");
  }
  ~root_folder() { fs::remove_all(path); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path / name);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  [[nodiscard]] std::string text() const { return path.string(); }
  fs::path path;
};

} // namespace

TEST_CASE("ENR-04 the backup holds log, metadata and settings; ENR-11 going back brings all of it back") {
  const root_folder root;
  REQUIRE(move_to_backup(root.text(), "backup/1").empty());
  CHECK(root.read("backup/1/wal/log.0") == "old log");
  CHECK(root.read("backup/1/raft/meta.0") == "old meta");
  CHECK(root.read("backup/1/ha-state.json") == "{}");
  CHECK(fs::is_empty(root.path / "wal"));
  REQUIRE(move_to_backup(root.text(), "backup/1").empty()); // a crash behind it: once more
  root.write("wal/log.0", "of the cluster");
  root.write("raft/meta.0", "of the cluster");
  root.write("raft/member.json", "of the cluster");
  REQUIRE(restore_backup(root.text(), "backup/1").empty());
  CHECK(root.read("wal/log.0") == "old log");
  CHECK(root.read("raft/meta.0") == "old meta");
  CHECK_FALSE(fs::exists(root.path / "raft/member.json"));
  CHECK_FALSE(fs::exists(root.path / "backup/1"));
  REQUIRE(restore_backup(root.text(), "backup/1").empty()); // once more: nothing is taken away
  CHECK(root.read("wal/log.0") == "old log");
}

TEST_CASE("ENR-11 a move that stopped half way is taken back whole") {
  const root_folder root;
  fs::create_directories(root.path / "backup/1/raft");
  fs::rename(root.path / "raft/meta.0", root.path / "backup/1/raft/meta.0");
  REQUIRE(restore_backup(root.text(), "backup/1").empty());
  CHECK(root.read("raft/meta.0") == "old meta");
  CHECK(root.read("wal/log.0") == "old log");
}

TEST_CASE("WAL-07 a damaged log is set aside, not thrown away, under a name of its own each time") {
  const root_folder root;
  std::string first;
  std::string second;
  const auto wal = (root.path / "wal").string();
  REQUIRE(set_log_aside(wal, first).empty());
  CHECK(fs::is_empty(wal));
  CHECK(fs::exists(fs::path(first) / "log.0"));
  root.write("wal/log.0", "again");
  REQUIRE(set_log_aside(wal, second).empty());
  CHECK(first != second);
  CHECK(fs::exists(fs::path(first) / "log.0"));
  std::string nothing;
  REQUIRE(set_log_aside(wal, nothing).empty());
  CHECK(nothing.empty());
}

TEST_CASE("the members beside the log are read back, and damage counts as none known") {
  const root_folder root;
  const std::vector<join_member> members{
      {"550e8400-e29b-41d4-a716-446655440000", "10.0.0.1:8093", "https://a"}};
  REQUIRE(save_seeds(real_files(), root.text(), seeds_json(members)).empty());
  const auto read = load_seeds(real_files(), root.text());
  REQUIRE(read.size() == 1);
  CHECK(read.front().consensus_addr == "10.0.0.1:8093");
  root.write("raft/members.json", "[{");
  CHECK(load_seeds(real_files(), root.text()).empty());
}
