// One message of every type with nothing left at its default; seeds of the codec's tests and its fuzz target.
#pragma once

#include <raft/codec.hpp>

namespace holdfast::raft::test {

inline config sample_config() {
  config c = make_config({{0, 1}, {0, 2}, {0, 3}});
  c.joint = true;
  c.members[0].outgoing = true;
  c.members[0].voter = false;
  c.members[0].leaving = true;
  c.members[1].outgoing = true;
  c.members[1].observer = true;
  c.members[2].address = "10.0.0.3:8092";
  c.removed = {{9, 9}};
  return c;
}

inline std::vector<message> sample_messages() {
  append_request append{{4}, {2}, {3}, {9}, 5, {}};
  append.entries.push_back({{2}, {5}, kind_noop, nullptr});
  append.entries.push_back(
      {{3}, {6}, kind_config, std::make_shared<const std::string>(encode_config(sample_config()))});
  append.entries.push_back({{3}, {7}, 16, std::make_shared<const std::string>("payload")});
  const std::vector<message_body> bodies = {
      vote_request{true, {4}, {7}, {3}, true, {3}, 2},
      vote_response{false, true, {4}, duration{400}, {3}, duration{100}},
      append,
      append_response{true, true, true, {7}, {5}, {2}},
      heartbeat{12, {3}, {9}, 5, 77},
      heartbeat_response{12, true, 77, {8}},
      timeout_now{5, true},
      read_index_request{77, 3},
      read_index_response{77, 3, true, {9}},
      snapshot_offer{{{1009}, {9}, {3}, {5000}, sample_config()}},
      snapshot_status{{1009}, {9}, {4096}, true, true},
      removed_notice{{6}},
      removed_ack{},
  };
  std::vector<message> messages;
  for (const message_body& body : bodies)
    messages.push_back({{1, 2}, {3, 4}, {5, 6}, protocol_version, {8}, body});
  return messages;
}

} // namespace holdfast::raft::test
