#include <raft/output.hpp>

#include <array>

namespace holdfast::raft {

const char* name_of(const message_body& body) {
  static constexpr std::array<const char*, std::variant_size_v<message_body>> names = {
      "vote_request",       "vote_response",  "append",       "append_response", "heartbeat",
      "heartbeat_response", "timeout_now",    "read_request", "read_response",   "snapshot_offer",
      "snapshot_status",    "removed_notice", "removed_ack"};
  return names[body.index()];
}

const char* to_string(role r) {
  switch (r) {
  case role::follower:
    return "follower";
  case role::pre_candidate:
    return "pre_candidate";
  case role::candidate:
    return "candidate";
  case role::leader:
    return "leader";
  case role::learner:
    return "learner";
  case role::recovering:
    return "recovering";
  case role::removed:
    return "removed";
  }
  return "unknown";
}

void output::clear() {
  send_now.clear();
  persist.sequence = 0;
  persist.state.reset();
  persist.truncate_from.reset();
  persist.entries.clear();
  send_after_persist.clear();
  commit.reset();
  apply.clear();
  reads.clear();
  outcomes.clear();
  roles.clear();
  lease.reset();
  configs.clear();
  read_log.clear();
  send_chunks.clear();
  receive_snapshot.reset();
  install_snapshot.reset();
  removed = false;
  fatal.clear();
}

} // namespace holdfast::raft
