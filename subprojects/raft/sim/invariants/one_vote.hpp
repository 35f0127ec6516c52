// A node votes for one candidate in a term, whatever crashes lie between. A candidacy is a vote for oneself.
#pragma once

#include <raft/message.hpp>

#include "sim/violation.hpp"

#include <string>
#include <unordered_map>

namespace holdfast::raft::sim {

class one_vote {
public:
  /// Called for every message at the moment it leaves.
  void sent(const message& what) {
    if (const auto* vote = std::get_if<vote_response>(&what.body);
        vote != nullptr && vote->granted && !vote->pre)
      remember(what.from, vote->asked_term, what.to);
    if (const auto* ask = std::get_if<vote_request>(&what.body); ask != nullptr && !ask->pre)
      remember(what.from, ask->asked_term, what.from);
  }

private:
  struct ballot {
    node_id voter;
    std::uint64_t term = 0;
    bool operator==(const ballot&) const = default;
  };
  struct ballot_hash {
    std::size_t operator()(const ballot& of) const {
      return std::hash<node_id>{}(of.voter) * 31 + static_cast<std::size_t>(of.term);
    }
  };

  void remember(node_id voter, term_t term, node_id candidate) {
    const auto [known, fresh] = votes_.try_emplace({voter, term.value}, candidate);
    if (!fresh && known->second != candidate)
      throw violation{"one vote a term", "a node voted twice in term " + std::to_string(term.value)};
  }

  std::unordered_map<ballot, node_id, ballot_hash> votes_;
};

} // namespace holdfast::raft::sim
