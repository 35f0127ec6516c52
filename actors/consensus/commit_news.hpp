// Messages that say nothing but how far a follower may apply. Sent at once they cost every put a second frame
// to every follower, ahead of the client's answer; held for a moment, the next append takes the news along. A
// held message is only ever late, as on a slow network, and what is sent to one member keeps its order. Pure:
// no clock, no actor.
#pragma once

#include <raft/message.hpp>

#include <map>
#include <optional>
#include <vector>

namespace holdfast::consensus {

class commit_news {
public:
  /// Keeps a heartbeat outside any round (it asks for no answer), in the place of an older one to the same
  /// member. False: the message is of another kind and is to be sent.
  bool hold(const raft::message& message) {
    const auto* beat = std::get_if<raft::heartbeat>(&message.body);
    if (beat == nullptr || beat->round != 0)
      return false;
    held_.insert_or_assign(message.to, message);
    return true;
  }

  /// What must go to that member before `message`: the held news, unless the message says as much itself.
  [[nodiscard]] std::optional<raft::message> overtaken_by(const raft::message& message) {
    const auto found = held_.find(message.to);
    if (found == held_.end())
      return std::nullopt;
    raft::message earlier = std::move(found->second);
    held_.erase(found);
    const auto commit = std::get<raft::heartbeat>(earlier.body).commit;
    const auto* append = std::get_if<raft::append_request>(&message.body);
    const auto* beat = std::get_if<raft::heartbeat>(&message.body);
    const bool said = message.term == earlier.term && ((append != nullptr && append->commit >= commit) ||
                                                       (beat != nullptr && beat->commit >= commit));
    return said ? std::nullopt : std::optional(std::move(earlier));
  }

  /// All that is still held; nothing is afterwards.
  [[nodiscard]] std::vector<raft::message> take() {
    std::vector<raft::message> out;
    for (auto& [to, message] : held_)
      out.push_back(std::move(message));
    held_.clear();
    return out;
  }

private:
  std::map<raft::node_id, raft::message> held_;
};

} // namespace holdfast::consensus
