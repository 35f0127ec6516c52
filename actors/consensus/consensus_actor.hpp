// consensus: owns the raft core and does what its outputs say, in their order (raft/core.hpp). It decides
// nothing about consensus itself; of its own it has the time, the wiring, and the rule who becomes active.
//
// Events that arrive together are stepped into one output, so one write to disk carries them all.
#pragma once

#include "actors/consensus/activation.hpp"
#include "actors/consensus/commit_news.hpp"
#include "actors/consensus/successor.hpp"
#include "messages/consensus.hpp"
#include "messages/fatal.hpp"
#include "messages/links.hpp"
#include "messages/vip.hpp"
#include "runtime/counting_actor.hpp"

#include <raft/core.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace holdfast::consensus {

struct consensus_config {
  raft::limits limits;
  std::uint64_t seed = 0; ///< another one at every start
  bool observer = false;
  msg::fatal_handler fatal;
  msg::links_actor links; ///< told the members whenever they change; outlives restarts; may be null
  msg::vip_actor vip;     ///< told the lease; lets go before a hand-over; outlives restarts; may be null
};

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using news_atom = caf::atom_constant<caf::atom("news")>;

/// The public interface and what the actor says to itself.
using consensus_self = msg::lease_source_actor::extend<caf::reacts_to<flush_atom>, caf::reacts_to<news_atom>>;

class consensus_impl final : public runtime::counting_actor<consensus_self::base> {
public:
  consensus_impl(caf::actor_config& cfg, runtime::card_ptr card, consensus_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  using admin_promise = caf::typed_response_promise<msg::admin_result>;

  // Events in.
  void start(const msg::recovered_log& found);
  void tick();
  template <class Event>
  void step(Event&& event);
  void propose(std::uint64_t context, std::uint8_t kind, const raft::payload_ptr& payload);
  void receive_frame(const std::string& bytes);
  void take_peer(raft::node_id id, const caf::strong_actor_ptr& peer);
  void take_link(raft::node_id id, msg::link_state state);
  admin_promise expect_outcome(std::uint64_t context);

  // The output, in the order of its fields.
  void flush();
  void send_messages(const std::vector<raft::message>& messages);
  void send_message(const raft::message& message);
  void tell_commit_news();
  void persist(raft::output& out);
  void release_promises();
  void hand_entries_to_replay(raft::output& out);
  void report_outcomes(raft::output& out);
  void report_reads(raft::output& out);
  void note_roles(const raft::output& out);
  void note_configs(const raft::output& out);
  void fetch_from_disk(const raft::output& out);
  void move_snapshots(const raft::output& out);
  void fail(const std::string& why);

  // The active role.
  [[nodiscard]] activation_facts facts() const;
  void consider_activation();
  [[nodiscard]] raft::node_id successor(const std::vector<raft::node_id>* among) const;
  void tell_role();
  void tell_lease();
  void tell_commit();
  void begin_transfer(std::uint64_t context, raft::node_id target, raft::duration limit);
  [[nodiscard]] raft::node_id vip_successor() const;
  [[nodiscard]] raft::node_id active_node() const; ///< nil: none; only with a core
  [[nodiscard]] bool holds_lease() const;          ///< only with a core
  [[nodiscard]] bool follows_silence() const;      ///< the leader is not heard any more; only with a core
  void tell_members();
  [[nodiscard]] msg::consensus_status status() const;
  [[nodiscard]] raft::instant now() const;

  consensus_config config_;
  std::optional<raft::core> core_;
  raft::output out_;
  bool flush_pending_ = false;
  commit_news commit_news_;
  bool news_pending_ = false;
  bool dead_ = false;

  msg::log_writer_actor log_writer_;
  msg::replay_group_actor replay_;
  caf::actor observer_of_role_;
  std::unordered_map<raft::node_id, caf::strong_actor_ptr> peers_;
  std::unordered_map<raft::node_id, raft::instant> linked_at_; ///< when its link last came up

  // Promises to other members, kept until what they promise is durable.
  struct held_promises {
    std::uint64_t sequence = 0;
    std::vector<raft::message> messages;
  };
  std::deque<held_promises> held_;
  std::uint64_t issued_ = 0;
  std::uint64_t durable_ = 0;

  msg::node_uid self_;     ///< as activations name this node
  msg::activation active_; ///< applied last
  std::optional<raft::term_t> activation_proposed_;
  std::string unhealthy_; ///< why; empty: healthy
  std::string diverged_;  ///< the same, of replay's state
  bool disk_full_ = false;
  msg::vip_fitness vip_;
  msg::lease_state lease_told_;
  bool letting_go_ = false; ///< the address is being taken off so that leadership can be handed over
  raft::instant hand_over_until_;
  raft::instant next_role_refresh_;
  bool silence_told_ = false; ///< in the last role_info
  raft::index_t commit_told_; ///< to the log's writer
  raft::instant next_commit_telling_;

  // Contexts of our own have the top bit set; replay's do not.
  std::uint64_t next_context_ = own_context_bit;
  std::map<std::uint64_t, admin_promise> admin_;
  static constexpr std::uint64_t own_context_bit = std::uint64_t{1} << 63U;
};

} // namespace holdfast::consensus
