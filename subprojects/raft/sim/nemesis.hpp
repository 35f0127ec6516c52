// The fault injector and the careless operator: everything that goes wrong or is changed during the safety
// phase.
//
// Faults stay inside what the protocol promises to survive (the atlas): any number of crashes, cuts and
// pauses, but a record may only rot while, in every configuration that anybody may act by, the servers with
// lost data are a minority that leaves room for no more. A run that loses data or stands still then shows a
// bug, not bad luck.
#pragma once

#include "sim/world.hpp"

namespace holdfast::raft::sim {

class nemesis {
public:
  explicit nemesis(world& in) : world_(in), random_(in.random().fork()) {}

  void begin();
  void retire(); ///< no new faults; networks heal, stalls and pauses end

  /// What became of the operator's requests.
  void outcome(const proposal_outcome& what);

  /// The servers that the liveness phase may rely on: a random choice that still has, in every configuration
  /// that anybody may act by, a majority of voters which have lost nothing. All servers when `everybody`.
  /// Those left out stay down.
  std::vector<bool> choose_core(bool everybody);

private:
  void recur(const recurring& what, void (nemesis::*act)(microseconds));
  std::size_t pick_server();
  void partition(microseconds lasts);
  void flap(microseconds lasts);
  void crash(microseconds lasts);
  void crash_while_writing(std::size_t slot, microseconds lasts, int looks);
  void pause(microseconds lasts);
  void stall(microseconds lasts);
  void fill_disk(microseconds lasts);
  void drain_disk(std::size_t slot, std::uint64_t life, microseconds later);
  void rot(microseconds lasts);
  void change_members(microseconds);
  void transfer(microseconds);
  void refuse_falsely(microseconds);
  void attack_lease(microseconds);
  void hand_over_half(std::size_t holder);
  void hide(std::size_t holder);
  void toggle_link(std::size_t from, std::size_t to, true_time until);

  bool add_server(std::size_t leader, membership_change& change);
  bool choose_change(std::size_t leader, membership_change& change);
  bool anybody_recovering() const;
  bool leaves_enough_intact(std::size_t leader, const membership_change& change) const;
  bool may_rot(std::size_t slot) const;
  bool impaired(std::size_t slot) const;
  bool electable(const std::vector<bool>& core) const;
  std::pair<term_t, index_t> end_of(std::size_t slot) const;
  template <class Predicate>
  bool majority_of(const config& members, const Predicate& counts) const;
  template <class Predicate>
  bool majority_everywhere(const Predicate& counts) const;
  std::vector<const config*> possible_configs() const;

  world& world_;
  random_source random_;
  bool retired_ = false;
  std::uint64_t cuts_ = 0;
  context_id change_context_ = 0;
  change_kind change_kind_ = change_kind::add_learner;
  context_id transfer_context_ = 0;
};

} // namespace holdfast::raft::sim
