// replay: applies committed entries to the object store and answers everybody who waits for one.
//
// A write is proposed under a context; consensus tells at which index it was committed; it is answered when
// that index is applied here, never earlier. What happens when leadership or this actor is lost is answered
// as it is: surely not done, or unknown. A linearizable read waits until a round that began after it was
// asked names an index, and until that index is applied; reads that arrive while a round is out share the
// next one.
#pragma once

#include "actors/replay/base_payload.hpp"
#include "actors/replay/change_feed.hpp"
#include "actors/replay/compaction_policy.hpp"
#include "actors/replay/object_store.hpp"
#include "messages/consensus.hpp"
#include "messages/fatal.hpp"
#include "messages/state_verdict.hpp"
#include "runtime/counting_actor.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace holdfast::replay {

struct replay_config {
  msg::fatal_handler fatal;
  std::shared_ptr<change_feed> feed;
  msg::state_verdict_ptr verdict = std::make_shared<msg::state_verdict>();
  compaction_limits compaction;
  store_limits limits; ///< part of the format; tests alone use others
  /// A state_hash entry follows the first command after the last one by this.
  std::chrono::milliseconds hash_interval{10'000};
};

using reclaim_atom = caf::atom_constant<caf::atom("reclaim")>;
using replay_self = msg::replay_group_actor::extend<caf::reacts_to<reclaim_atom>>;

class replay_impl final : public runtime::counting_actor<replay_self::base> {
public:
  replay_impl(caf::actor_config& cfg, runtime::card_ptr card, replay_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  using write_promise = caf::typed_response_promise<msg::write_result>;
  using read_promise = caf::typed_response_promise<msg::read_result>;
  struct waiting_read {
    std::uint64_t index = 0; ///< once the round named one
    read_promise promise;
  };

  // Proposals.
  write_promise write(const msg::transaction_ptr& transaction);
  void take_outcome(const raft::proposal_outcome& outcome);
  std::uint64_t propose(msg::entry_kind kind, const msg::byte_buffer& payload);
  void take_own_outcome(const raft::proposal_outcome& outcome);
  [[nodiscard]] std::string refusal() const;
  [[nodiscard]] const std::string& doubt() const;
  [[nodiscard]] bool active() const;

  // Entries.
  void load(const msg::state_image_ptr& image, std::uint64_t bytes, std::uint64_t last_index);
  void apply(const msg::apply_batch& batch);
  void apply_one(const raft::entry& entry, const msg::apply_batch& batch);
  void apply_command(std::uint64_t index, msg::transaction transaction);
  void apply_cut(std::uint64_t index, const msg::compact_mark& mark, const msg::apply_batch& batch);
  void apply_activation(std::uint64_t index, const msg::activation& activation);
  void check_digest(std::uint64_t index, const msg::state_hash_mark& mark);
  void doubt_state(std::uint64_t index);
  void judged(std::uint64_t index, bool right);
  void tell_changes();
  void tell_missed();
  void consider_cut();
  void consider_hash();

  // Reads.
  read_promise read(msg::consistency how);
  void begin_round();
  void take_read(const raft::read_outcome& outcome);
  void serve_reads();

  void fail(std::string what, std::string advice);

  replay_config config_;
  object_store store_;
  msg::consensus_actor consensus_;
  msg::log_writer_actor log_writer_;
  msg::role_info role_;
  msg::node_uid self_;              ///< role_.self, as activations name it
  std::string diverged_;            ///< not empty: this copy of the state is wrong and serves nobody
  std::uint64_t doubted_later_ = 0; ///< newest index at which it differed while an earlier doubt was open
  bool loaded_ = false;
  bool dead_ = false;

  std::uint64_t next_context_ = 1;
  std::unordered_map<std::uint64_t, write_promise> proposed_;  ///< by context
  std::unordered_map<std::uint64_t, write_promise> committed_; ///< by index
  std::vector<msg::change> changes_;                           ///< of the batch in hand

  std::vector<read_promise> next_round_;
  std::vector<read_promise> this_round_;
  std::uint64_t round_context_ = 0; ///< 0: no round is out
  std::deque<waiting_read> confirmed_;

  log_facts facts_;
  std::uint64_t cut_context_ = 0; ///< a compact entry of ours is on its way
  std::uint64_t cut_index_ = 0;   ///< last one applied
  std::uint64_t hash_context_ = 0;
  bool hash_due_ = false; ///< commands were applied since the last state_hash entry
};

} // namespace holdfast::replay
