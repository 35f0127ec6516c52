// What is wrong with a cluster, from the health of each member (system/consensus/health). Pure: the answers
// come in, findings with a remedy each go out; asking and printing are done elsewhere. Single-threaded.
#pragma once

#include "tools/holdfast/document.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::cli {

/// One member as it was found.
struct examined_member {
  std::string id;             ///< ConsensusID
  std::string address;        ///< API URL
  std::string error;          ///< why there is no health; empty: there is
  document health;            ///< an object; members that are missing count as zero, false or empty
  std::int64_t skew_ms = 0;   ///< its clock minus the clock here, at the middle of the call
  std::int64_t answer_ms = 0; ///< how long the call took
  bool observer = false;
};

enum class severity : std::uint8_t { note, warning, error };
[[nodiscard]] std::string to_string(severity how);

struct finding {
  severity how = severity::note;
  std::string member; ///< ConsensusID; empty: the whole cluster
  std::string what;
  std::string remedy;
};

/// The worst first. `now_s`: seconds since the Unix epoch, for the certificates' days.
[[nodiscard]] std::vector<finding> examine(const std::vector<examined_member>& members, std::uint64_t now_s);

/// One row a member for the report: role, lag in entries, bytes and seconds, certificate days, disk latency,
/// skew.
[[nodiscard]] document member_rows(const std::vector<examined_member>& members, std::uint64_t now_s);

} // namespace holdfast::cli
