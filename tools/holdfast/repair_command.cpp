// ha repair-state: rebuilds a damaged or missing ha-state.json on this machine (C-03, HST-04). Needs no
// server; the daemon must not run on that base root, which the instance lock sees to.
#include "tools/holdfast/commands.hpp"

#include "actors/node/ha_state_store.hpp"
#include "actors/node/instance_lock.hpp"
#include "actors/node/join_file.hpp"

#include <wal/file_system.hpp>
#include <wal/meta_pair.hpp>

#include <filesystem>
#include <ostream>

namespace holdfast::cli {

namespace {

/// Who this node is by what consensus keeps in raft/. Throws failure when that is damaged too.
node::known_identity identity_in(const std::string& root) {
  wal::meta_pair pair(wal::posix_file_system(), root + "/raft");
  const auto loaded = pair.load();
  if (!loaded || (!loaded->value && loaded->damaged_copies > 0)) {
    throw failure{
        (loaded ? root + "/raft: no copy of the metadata can be read" : loaded.failure().what) +
        "; restore the base root from a backup, or remove this node from the cluster and enroll it anew"};
  }
  node::known_identity known;
  if (loaded->value) {
    known.consensus_id = loaded->value->node_id;
  }
  // A node that joined a cluster is known there under another id than its own.
  if (const auto member = node::load_member_identity(node::real_files(), root);
      member && member->raft_id == known.consensus_id) {
    known.consensus_id = member->consensus_id;
    known.clustered = true;
  }
  return known;
}

void repair(const std::string& base_root, std::ostream& out) {
  const auto root = std::filesystem::absolute(base_root).lexically_normal().string();
  if (!std::filesystem::is_directory(root + "/raft")) {
    throw failure{root + " is not the base root of a node: it has no folder raft/"};
  }
  std::string locked;
  const auto lock = node::instance_lock::take(root, locked);
  if (!lock.held()) {
    throw failure{locked + ". Stop the daemon first."};
  }
  node::ha_state_store store(node::real_files(), root);
  const auto report = store.repair(identity_in(root));
  if (!report.repaired && !report.nothing_to_do) {
    throw failure{report.text};
  }
  out << report.text << "\n";
}

} // namespace

void add_repair_command(CLI::App& ha, context& c) {
  const auto root = std::make_shared<std::string>("/var/lib/dr-provision");
  auto* verb = ha.add_subcommand("repair-state", "rebuild a damaged ha-state.json on this machine; changes "
                                                 "nothing when it is whole");
  verb->add_option("--base-root", *root, "the stopped node's base root")
      ->envname("RS_BASE_ROOT")
      ->capture_default_str();
  verb->callback([root, &c] { repair(*root, *c.out); });
}

} // namespace holdfast::cli
