// All invariants together, and the places where the world shows them what happens. Every check looks only at
// what the event changed, so a run of any length costs the same per event.
#pragma once

#include "sim/invariants/applied_once.hpp"
#include "sim/invariants/committed_log.hpp"
#include "sim/invariants/config_chain.hpp"
#include "sim/invariants/election_safety.hpp"
#include "sim/invariants/honest_outcomes.hpp"
#include "sim/invariants/lease_exclusivity.hpp"
#include "sim/invariants/linearizability.hpp"
#include "sim/invariants/log_matching.hpp"
#include "sim/invariants/one_vote.hpp"
#include "sim/invariants/state_machine_safety.hpp"
#include "sim/marks.hpp"
#include "sim/node.hpp"

#include <vector>

namespace holdfast::raft::sim {

class checks {
public:
  checks(std::vector<node>& nodes, mark_table& marks) : nodes_(nodes), marks_(marks) {}

  /// The cluster begins with this configuration.
  void founded(const config& first) { configs.committed(index_t{}, first); }
  /// A write went to the page cache of `on`.
  void wrote(const node& on, const disk_write& what);
  /// A message leaves `from` now.
  void leaves(const node& from, const message& what);
  /// The core of `on` has taken a step and its output has been performed.
  void stepped(node& on);
  /// A message from `sender` was handled in the last step of `on`, whose term had been `before` and whose commit
  /// index `committed_before`.
  void heard(const node& on, node_id sender, term_t before, index_t committed_before) const;
  /// `on` has applied a committed entry.
  void applied(const node& on, const entry& e, const answer& result);
  /// `on` holds the state of a snapshot now.
  void loaded(const node& on);

  committed_log truth;
  config_chain configs;
  lease_exclusivity leases;
  linearizability history;
  honest_outcomes outcomes;

  /// The answer that the write at `index` got when it was first applied.
  const answer& answer_at(index_t index) const { return answers_[index.value]; }

private:
  void check_commit(node& on);
  void check_quorum(const node& on, index_t upto);

  std::vector<node>& nodes_;
  mark_table& marks_;
  election_safety elections_;
  log_matching matching_;
  state_machine_safety machines_;
  one_vote votes_;
  applied_once once_;
  std::vector<answer> answers_;
  term_t config_term_; ///< of the last committed configuration
};

} // namespace holdfast::raft::sim
