// raft/join.json: how far this node has come on its way into a cluster, so that a crash at any point leaves
// it either stand-alone with its old data or a member (ENR-11); and raft/member.json: who it is in the
// cluster it is in.
//
//   raft/join.json    {"Phase","BackupDir","ClusterID","RaftID","OldRaftID","Incarnation","JoinUrl",
//                      "Fingerprint","Members":[{"RaftID","ConsensusAddr","ApiUrl"}],"Before":{ha-state},"State":{ha-state}}
//     prepared   nothing was touched: a start drops the file
//     moving     the old log is on its way to BackupDir: a start takes back what is there
//     waiting    empty disk, asked to be a learner: a start goes on waiting; "no such member" takes back
//   raft/member.json  {"ConsensusID","RaftID","Incarnation"}; missing: the raft id is the ConsensusID
//
// Both 0600, written whole (state_file.hpp). Holds keys of roots: never logged. Blocking.
#pragma once

#include "actors/node/state_file.hpp"
#include "messages/ha_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::node {

enum class join_phase : std::uint8_t { prepared, moving, waiting };

struct join_member {
  std::string raft_id;
  std::string consensus_addr;
  std::string api_url;
};

struct join_intent {
  join_phase phase = join_phase::prepared;
  std::string backup_dir; ///< below the base root
  std::string cluster_id;
  std::string raft_id;
  std::string old_raft_id; ///< of the life that was moved to the backup
  std::uint64_t incarnation = 1;
  std::string join_url;
  std::string fingerprint; ///< of the active's API certificate
  std::vector<join_member> members;
  msg::ha_state before; ///< to go back to
  msg::ha_state state;  ///< to go on with
};

struct member_identity {
  std::string consensus_id;
  std::string raft_id;
  std::uint64_t incarnation = 1;
};

[[nodiscard]] std::string to_json(const join_intent& intent);
[[nodiscard]] std::optional<join_intent> parse_join_intent(const std::string& text);

/// Each takes the base root. An error is what failed and why.
[[nodiscard]] io_error save_join_intent(file_seam& files, const std::string& root, const join_intent& intent);
[[nodiscard]] std::optional<join_intent> load_join_intent(file_seam& files, const std::string& root,
                                                          io_error& error);
[[nodiscard]] io_error drop_join_intent(file_seam& files, const std::string& root);
[[nodiscard]] io_error save_member_identity(file_seam& files, const std::string& root,
                                            const member_identity& who);
[[nodiscard]] std::optional<member_identity> load_member_identity(file_seam& files, const std::string& root);

/// Moves wal/ and the consensus metadata into `backup` (below the root) and leaves an empty wal/. Repeating
/// it after a crash goes on where it stopped.
[[nodiscard]] io_error move_to_backup(const std::string& root, const std::string& backup);
/// The reverse: whatever was made since is thrown away, what was moved comes back.
[[nodiscard]] io_error restore_backup(const std::string& root, const std::string& backup);

} // namespace holdfast::node
