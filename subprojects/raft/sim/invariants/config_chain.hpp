// Every committed configuration follows from the one before: into a joint one whose old half is the current
// set of voters, out of it into its new half, or a change that leaves the voters as they are. A removed id
// stays removed.
#pragma once

#include <raft/config.hpp>

#include "sim/violation.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::raft::sim {

class config_chain {
public:
  /// Configurations in the order of their commit.
  void committed(index_t index, const config& next) {
    if (!known_) {
      known_ = true;
    } else if (next.joint) {
      require(index, !current_.joint, "a joint configuration followed a joint one");
      require(index, voters(next, true) == voters(current_, false),
              "the old half is not the current set of voters");
    } else {
      require(index, voters(next, false) == voters(current_, false),
              "the set of voters changed without a joint phase");
    }
    require(index, !voters(next, false).empty(), "nobody votes");
    for (const auto& [id, at] : removed_)
      require(index, next.find(id) == nullptr, "a removed id came back");
    for (const auto& id : next.removed)
      if (!removed_at(id))
        removed_.emplace_back(id, index);
    current_ = next;
  }

  /// Index of the configuration without it; nothing when the id is or may become a member.
  std::optional<index_t> removed_at(node_id id) const {
    for (const auto& [known, at] : removed_)
      if (known == id)
        return at;
    return std::nullopt;
  }
  const config& current() const { return current_; }

private:
  static std::vector<node_id> voters(const config& of, bool old_half) {
    std::vector<node_id> result;
    for (const auto& one : of.members)
      if (old_half ? one.outgoing : one.voter)
        result.push_back(one.id);
    return result;
  }

  static void require(index_t index, bool holds, const char* seen) {
    if (!holds)
      throw violation{"configuration chain", std::string{seen} + " at index " + std::to_string(index.value)};
  }

  bool known_ = false;
  config current_;
  std::vector<std::pair<node_id, index_t>> removed_;
};

} // namespace holdfast::raft::sim
