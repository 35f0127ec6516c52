// The cluster desk: all that a node does about its cluster besides consensus itself. It keeps ha-state.json
// in step with the replicated facts (HST-05, CON-07, CON-08), gives the links their credentials, enrols this
// node (as the first one or into a cluster), admits others, removes, hands over and answers status calls.
//
// An object on the event loop, not an actor: it outlives restarts of the cluster actor, which is its door for
// messages. Long work is written as coroutines; files are written on a thread of the desk's own. Everything
// below is called on the loop's thread.
#pragma once

#include "actors/node/enrolment_rules.hpp"
#include "actors/node/entitlement.hpp"
#include "actors/node/ha_state_store.hpp"
#include "actors/node/join_file.hpp"
#include "actors/node/log_aside.hpp"
#include "actors/node/state_judgement.hpp"
#include "actors/node/state_repairs.hpp"
#include "messages/cluster.hpp"
#include "messages/cluster_records.hpp"
#include "messages/standing.hpp"
#include "messages/state_verdict.hpp"
#include "messages/vip.hpp"
#include "net/http_client.hpp"
#include "net/log_limiter.hpp"
#include "net/peer_link.hpp"
#include "net/tls_context.hpp"
#include "runtime/asker.hpp"
#include "runtime/board.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::node {

/// How the next life of the consensus group begins. `move_files` runs while none of its actors lives.
struct group_plan {
  std::function<io_error()> move_files;
  raft::node_id self;
  raft::cluster_id cluster; ///< used when the disk knows none
  bool founder = false;
};

struct desk_config {
  boost::asio::any_io_executor executor;
  runtime::asker* ask = nullptr;
  msg::replay_actor replay;              ///< relays, all five
  msg::replay_group_actor judged_replay; ///< the same relay, told what became of a doubt
  msg::consensus_actor consensus;
  msg::links_actor links;
  msg::log_writer_actor log_writer;
  msg::vip_actor vip;                             ///< a relay, too
  std::function<void(group_plan)> plan_next_life; ///< of the consensus group
  std::function<void()> forget_feed;              ///< told indices of the old log mean nothing in the new one
  std::shared_ptr<net::tls_slot> cluster_tls;     ///< the API's context for fellow members
  /// Where this node's place in the cluster is shown to the API; null: nobody looks.
  std::shared_ptr<runtime::board<msg::standing_ptr>> standing;
  std::function<std::string()> api_fingerprint;
  std::string base_root;
  std::string drp_id;
  std::string hostname;
  std::uint16_t api_port = 0;
  net::peer_limits link_limits;
  raft::limits limits;
  host_facts host;
  msg::ha_state state;             ///< as loaded
  std::optional<join_intent> join; ///< a join that was under way when the process ended
  std::uint64_t incarnation = 1;
  msg::state_verdict_ptr verdict;
  std::string wal;                       ///< directory of the log
  std::vector<join_member> seeds;        ///< whom to dial while no configuration is known; the newest later
  state_repairs repairs;                 ///< of this node's state so far, as loaded
  std::optional<net::public_key> issuer; ///< of entitlements; none: nobody asks for one
};

/// What the voting members said of their states at one index.
struct state_comparison {
  state_judgement found = state_judgement::undecided;
  std::string agreed; ///< for people: who has which digest
};

class cluster_desk : public std::enable_shared_from_this<cluster_desk> {
public:
  explicit cluster_desk(desk_config config);
  ~cluster_desk();

  void set_node(const msg::node_actor& node) { node_ = node; }
  /// Begins nothing more and waits for what is under way: it holds actors and files, and must not outlive the
  /// loop. False when some of it was still under way after `limit`.
  boost::asio::awaitable<bool> finish(std::chrono::milliseconds limit);
  /// Cuts what holds on to other actors; nothing is done afterwards.
  void close();

  /// Never null. What the node runs with now.
  [[nodiscard]] msg::ha_state_ptr state() const { return state_; }
  /// The consensus room's status in the operator's terms: ConsensusIDs for raft ids, a row a member.
  [[nodiscard]] msg::consensus_status present(msg::consensus_status raw) const;
  /// The replicated facts as applied here. Holds secrets.
  [[nodiscard]] const msg::cluster_facts& facts() const { return facts_; }
  [[nodiscard]] const std::optional<net::peer_credentials>& credentials() const { return credentials_; }
  /// Raft id of this node; empty until consensus has spoken.
  [[nodiscard]] std::string own_raft_id() const;
  /// What `info` tells of the entitlement in that view (LIC-05); nothing when nobody asks for one.
  [[nodiscard]] std::optional<msg::license_facts> license(const msg::object_view& view);

  // From the cluster actor.
  void on_members(const msg::members_ptr& members);
  void on_role(const msg::role_info& role);
  void on_links_started();
  void on_vip_started();
  /// Looks at everything again soon; calls while it looks are taken together.
  void poke();
  /// Never throws.
  boost::asio::awaitable<msg::cluster_answer> answer(msg::cluster_call call);

private:
  using answer_t = boost::asio::awaitable<msg::cluster_answer>;
  using call_t = const msg::cluster_call&;

  // cluster_follow.cpp: keeping in step
  boost::asio::awaitable<void> follow();
  boost::asio::awaitable<void> look();
  [[nodiscard]] msg::ha_state derived_state(const msg::consensus_status& status) const;
  boost::asio::awaitable<std::string> keep_state(msg::ha_state next);
  boost::asio::awaitable<std::string> set_up_links();
  void tell_links_members();
  void take_rows(const std::vector<msg::link_row>& rows);
  boost::asio::awaitable<void> drop_links();
  void tell_vip();
  [[nodiscard]] net::peer_credentials make_credentials(const std::vector<msg::trust_root>& roots,
                                                       const std::string& node_id,
                                                       const std::string& address) const;
  boost::asio::awaitable<void> lead(const msg::consensus_status& status);
  boost::asio::awaitable<void> forget_record(std::string consensus_id, std::string raft_id);
  boost::asio::awaitable<void> settle_learner(const msg::member_info& learner,
                                              const msg::consensus_status& status);
  boost::asio::awaitable<void> refresh_own_record(const msg::consensus_status& status);
  boost::asio::awaitable<void> announce(const msg::consensus_status& status);
  [[nodiscard]] msg::member_record own_record() const;
  boost::asio::awaitable<msg::consensus_status> status();
  boost::asio::awaitable<msg::write_result> write(msg::transaction tx);
  boost::asio::awaitable<msg::admin_result> change_members(raft::membership_change change);
  boost::asio::awaitable<msg::admin_result> change_members_surely(raft::membership_change change);
  boost::asio::awaitable<io_error> on_files(std::function<io_error()> work);
  boost::asio::awaitable<void> rest(std::chrono::milliseconds span);

  // cluster_standing.cpp: what the API goes by
  void show_standing();
  void note_active(const msg::standing& before, const msg::standing& now);

  // cluster_enrol.cpp: this node is enrolled
  answer_t enroll(call_t call);
  answer_t enroll_anew(msg::ha_state posted);
  answer_t answer_again(std::string ticket);
  boost::asio::awaitable<bool> was_removed();
  answer_t bootstrap(msg::ha_state posted);
  boost::asio::awaitable<enrolment_ground> ground();

  // cluster_join.cpp: into a cluster
  answer_t join(msg::ha_state posted);
  boost::asio::awaitable<std::string> prove(net::http_client& client, const net::http_url& url,
                                            const std::vector<msg::trust_root>& roots,
                                            std::string& fingerprint);
  boost::asio::awaitable<std::string> enter(join_intent intent);
  boost::asio::awaitable<std::string> begin_life(group_plan plan);
  boost::asio::awaitable<std::string> go_back(join_intent intent);
  boost::asio::awaitable<void> finish_join(const msg::consensus_status& status);
  boost::asio::awaitable<void> resume_join();
  boost::asio::awaitable<void> undo_join(join_intent intent);
  [[nodiscard]] msg::ha_state joined_state(const msg::ha_state& posted) const;
  [[nodiscard]] net::peer_settings trial_settings(const msg::ha_state& posted) const;
  answer_t agree(net::http_client& client, join_intent& intent, const msg::ha_state& posted);
  answer_t await_vote(const join_intent& intent);
  boost::asio::awaitable<msg::cluster_answer> tell_active(net::http_client& client, const join_intent& intent,
                                                          const std::string& phase);

  // cluster_admit.cpp: others are admitted here
  answer_t show_proof(call_t call);
  answer_t admit(call_t call);
  answer_t admit_check(const candidate& who);
  answer_t admit_add(const candidate& who);
  answer_t from_member(call_t call);
  answer_t make_ticket(call_t call);
  answer_t redeem(call_t call);
  boost::asio::awaitable<std::string> use_ticket(const std::string& ticket_json, msg::ha_state& posted);

  // cluster_entitlement.cpp: whether it may be formed or grow
  answer_t entitled(std::string ha_id, std::optional<msg::member_record> newcomer);
  [[nodiscard]] const entitlement_reading& installed_entitlement(const msg::object_view& view);
  [[nodiscard]] growth grown(std::string ha_id, const msg::member_record* newcomer) const;

  // cluster_calls.cpp: the rest
  answer_t introduction();
  answer_t vip_status();
  [[nodiscard]] std::string vip_json(const msg::vip_status& vip, const msg::consensus_status& raw) const;
  answer_t remove(call_t call);
  boost::asio::awaitable<std::string> strands(const std::string& leaving, const msg::consensus_status& raw);
  answer_t transfer(call_t call);
  answer_t take_role(call_t call);
  answer_t fail_over_safe(call_t call);
  answer_t ask_member(const msg::member_record& who, const std::string& body, std::chrono::milliseconds time);
  answer_t relay_to_active(const std::string& verb, const std::string& argument,
                           std::chrono::milliseconds limit = std::chrono::seconds(10));
  [[nodiscard]] const msg::member_record* active_record(const msg::consensus_status& raw) const;
  [[nodiscard]] std::string to_consensus_id(const std::string& raft_id) const;
  boost::asio::awaitable<std::string> reach(std::string candidate_id, std::string address);

  // cluster_repair.cpp: made whole by the others
  boost::asio::awaitable<void> keep_seeds(const msg::consensus_status& status);
  boost::asio::awaitable<void> judge_state_if_doubted();
  boost::asio::awaitable<void> take_equal_state();
  boost::asio::awaitable<void> take_as_right(std::uint64_t index, std::uint64_t doubted);
  boost::asio::awaitable<void> repair_state(std::uint64_t index);
  boost::asio::awaitable<void> stay_out(std::uint64_t index, state_comparison how);
  boost::asio::awaitable<bool> keep_repairs();
  [[nodiscard]] msg::cluster_answer own_verdict(std::uint64_t index, bool doubt);
  boost::asio::awaitable<state_comparison> compare_states(std::uint64_t index);

  // cluster_health.cpp: how this member is
  answer_t health(call_t call);
  [[nodiscard]] std::string links_json(const std::vector<msg::link_row>& rows) const;
  [[nodiscard]] std::string progress_json(const msg::consensus_status& status) const;

  desk_config config_;
  msg::node_actor node_;
  ha_state_store store_;
  boost::asio::thread_pool files_{1};
  msg::ha_state_ptr state_;
  msg::members_ptr members_;
  msg::role_info role_;
  msg::cluster_facts facts_;
  std::vector<std::string> expired_tickets_; ///< keys, as of the last look
  std::optional<net::peer_credentials> credentials_;
  msg::links_setup_ptr links_setup_;
  bool links_stale_ = true;
  std::string saved_seeds_;
  state_repairs repairs_;
  std::uint64_t doubted_ = 0;      ///< index at which another member's state differs from the proposer's
  std::uint64_t equal_tried_ = 0;  ///< newest equal state that was compared with the others'
  std::uint64_t stays_out_at_ = 0; ///< no repair is left for the difference at this index
  std::chrono::steady_clock::time_point compare_again_; ///< no sooner while it stays out
  std::optional<msg::vip_setup> vip_told_;
  msg::object_ref entitlement_object_; ///< what entitlement_ was read from
  entitlement_reading entitlement_;
  std::map<std::string, bool> link_up_;          ///< by raft id
  std::map<std::string, std::uint64_t> handled_; ///< by raft id, as each member said
  bool told_out_ = false;  ///< members say that this node is none of them, and none is linked with it
  bool links_off_ = false; ///< while a removed node shows itself to its cluster under its address
  std::optional<join_intent> join_;
  bool enrolling_ = false;
  bool undoing_ = false; ///< a join is being taken back that no enrolment waits for
  [[nodiscard]] bool busy() const { return enrolling_ || undoing_; }
  std::optional<msg::ha_state> asked_; ///< the enrolment that is under way, or was the last one, as posted
  std::string used_ticket_;            ///< of the last enrolment that succeeded by one; secret, but spent
  bool admitting_ = false;
  std::chrono::steady_clock::time_point admission_ends_;
  std::string admitted_;        ///< ConsensusID the admission is for
  std::uint64_t admission_ = 0; ///< counts them: what outlived its time ends no later one
  struct learner_note {
    std::chrono::steady_clock::time_point first; ///< when it was first seen here
    std::chrono::steady_clock::time_point heard; ///< when it last answered
  };
  std::map<std::string, learner_note> learners_; ///< by raft id
  net::log_limiter replication_lines_{std::chrono::seconds(1)};
  bool following_ = false;
  bool again_ = false;
  bool closed_ = false;
  std::shared_ptr<void> errands_ = std::make_shared<int>(); ///< also held by each coroutine that is under way
};

// Shared by the files above.

[[nodiscard]] msg::cluster_answer refused(unsigned status, std::string message);
[[nodiscard]] msg::cluster_answer refused(unsigned status, std::vector<std::string> messages);
/// What the roots of a state look like to net. Throws net::identity_error.
[[nodiscard]] net::credential to_credential(const msg::trust_root& root);
[[nodiscard]] net::certificate to_certificate(const msg::trust_root& root);
[[nodiscard]] msg::trust_root to_root(const net::credential& root);
[[nodiscard]] std::string proof_text(const std::string& nonce, const std::string& fingerprint);
[[nodiscard]] std::int64_t wall_ms();
/// Keys of the join tickets nobody may use any more. O(tickets).
[[nodiscard]] std::vector<std::string> find_expired_tickets(const msg::object_view& view,
                                                            std::uint64_t now_ms);

} // namespace holdfast::node
