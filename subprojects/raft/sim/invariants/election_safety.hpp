// At most one leader in a term (thesis §3.2, figure 3.2).
#pragma once

#include <raft/types.hpp>

#include "sim/violation.hpp"

#include <string>
#include <unordered_map>

namespace holdfast::raft::sim {

class election_safety {
public:
  /// A node leads in `term`, now and by its own word.
  void leads(term_t term, node_id who) {
    const auto [known, fresh] = leaders_.try_emplace(term.value, who);
    if (!fresh && known->second != who)
      throw violation{"election safety", "two leaders in term " + std::to_string(term.value)};
  }

private:
  std::unordered_map<std::uint64_t, node_id> leaders_;
};

} // namespace holdfast::raft::sim
