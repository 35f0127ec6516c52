// What a member needs to be made whole by the others after its log turned out damaged (WAL-07): who they are,
// kept beside the log and not in it, and a way to put the damaged log out of the way without losing it.
//
//   raft/members.json  [{"RaftID","ConsensusAddr","ApiUrl"}]: the voting members but this one, as last seen
//
// 0600, written whole (state_file.hpp). Blocking.
#pragma once

#include "actors/node/join_file.hpp"

#include <string>
#include <vector>

namespace holdfast::node {

[[nodiscard]] std::string seeds_json(const std::vector<join_member>& members);
[[nodiscard]] io_error save_seeds(file_seam& files, const std::string& root, const std::string& json);
/// Empty: none are known, or the file cannot be read.
[[nodiscard]] std::vector<join_member> load_seeds(file_seam& files, const std::string& root);

/// Renames `wal` to `<wal>.damaged-<UTC>` (a number behind it when there is one of that name already) and
/// makes an empty one. A crash in between leaves an empty or no `wal`, which the next start takes for lost.
/// `kept_in` is where it went; empty when there was nothing in it.
[[nodiscard]] io_error set_log_aside(const std::string& wal, std::string& kept_in);

} // namespace holdfast::node
