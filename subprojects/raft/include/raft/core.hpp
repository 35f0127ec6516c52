// The consensus core: Raft (Ongaro's thesis, sections named where they are implemented) as a value. One call,
// `step`, takes an event and writes what the host must do. It calls nobody, asks no clock, opens no file, and
// two cores that are given the same boot data and events do the same.
//
// Always on: pre-vote, check-quorum, stickiness, joint membership. There are no switches for safety.
//
// Duties of the host
//  - perform an output in the order of its fields; never send `send_after_persist` before the sync succeeded;
//  - a write or sync error ends the process: nothing is retried, nothing is reported (WAL-11);
//  - tick at least every heartbeat_interval / 4; never block the thread that steps the core;
//  - give every start another seed.
#pragma once

#include <raft/event.hpp>
#include <raft/log_view.hpp>
#include <raft/output.hpp>
#include <raft/progress.hpp>
#include <raft/random.hpp>
#include <raft/roles.hpp>

namespace holdfast::raft {

/// What a node starts from: its identity and what it found on disk.
struct boot {
  node_id self;
  cluster_id cluster;
  limits lim;
  std::uint64_t seed = 0;
  instant now;
  hard_state state;
  /// The newest snapshot. On the founding member: index 0 with the first configuration. On a node that has
  /// yet to be told its cluster's configuration: left as it is ("blank").
  snapshot_meta snapshot;
  /// The entry just before `log`; normally the snapshot, earlier when an older part of the log was kept.
  index_t log_base;
  term_t log_base_term;
  /// All entries on disk after log_base. Payloads may be left out (null), except of config entries.
  std::vector<entry> log;
  index_t applied; ///< what the state machine already holds, >= snapshot.index
  /// Known to be committed when the disk was last written, and on disk; zero: nothing is known. Lets a node
  /// apply that much before it hears of a leader.
  index_t commit;
};

struct peer_status {
  node_id id;
  progress_state state = progress_state::probe;
  index_t match;
  index_t next;
  instant last_heard;
  std::uint64_t behind = 0; ///< entries missing to the leader's last one
  bool recovering = false;
  byte_count snapshot_stored; ///< while in snapshot state
};

/// Everything a status page wants; cheap, no allocation.
struct core_status {
  node_id self;
  role what = role::follower;
  term_t term;
  node_id vote;
  node_id leader;
  index_t commit;
  index_t applied;
  index_t durable;
  index_t last;
  index_t log_first;
  bool recovering = false;
  bool removed = false;
  bool disk_stalled = false;
  bool transferring = false;
};

/// Messages that were dropped before anything was done with them.
struct drop_counters {
  std::uint64_t wrong_cluster = 0;
  std::uint64_t wrong_receiver = 0;
  std::uint64_t wrong_version = 0;
  std::uint64_t malformed = 0;
};

class core {
public:
  explicit core(boot b);

  /// Appends to `out`. After an output with `fatal` the core does nothing more.
  void step(const event& e, output& out);
  [[nodiscard]] output step(const event& e);

  /// When the core next has something to do by itself. A tick later than this delays it, no more.
  [[nodiscard]] instant next_deadline() const;

  [[nodiscard]] core_status status() const;
  [[nodiscard]] term_t term() const { return state_.term; }
  [[nodiscard]] const hard_state& state() const { return state_; }
  [[nodiscard]] role current_role() const;
  [[nodiscard]] bool is_leader() const { return std::holds_alternative<leader_role>(role_); }
  [[nodiscard]] node_id self() const { return self_; }
  [[nodiscard]] cluster_id cluster() const { return cluster_; }
  [[nodiscard]] node_id leader() const;
  [[nodiscard]] index_t commit_index() const { return commit_; }
  [[nodiscard]] index_t durable_index() const { return durable_; }
  [[nodiscard]] index_t last_index() const { return log_.last_index(); }
  [[nodiscard]] const log_view& log() const { return log_; }
  [[nodiscard]] const limits& bounds() const { return limits_; }
  [[nodiscard]] const drop_counters& dropped() const { return dropped_; }

  /// The configuration in effect (the latest in the log, committed or not; thesis §4.1) and its index.
  [[nodiscard]] const config& members() const { return configs_.back().members; }
  [[nodiscard]] index_t members_index() const { return configs_.back().index; }
  /// The configuration in effect at `index` (from the newest snapshot on); goes into the snapshot made there.
  [[nodiscard]] const config* members_at(index_t index) const;
  [[nodiscard]] const snapshot_meta& snapshot() const { return snapshot_; }

  /// Leader only, otherwise empty: one row per peer.
  [[nodiscard]] std::vector<peer_status> peers() const;

  /// The lease of this leadership; `until` empty without one. Compare with the time of the question.
  [[nodiscard]] lease_info lease() const;
  /// Leader only: from this instant on (this node's clock) every lease of an earlier leader has surely ended,
  /// by time, by release ticket or by handover. Until then what the lease guards must not be taken.
  [[nodiscard]] std::optional<instant> previous_lease_clear_at() const;
  /// Follower: when it last answered its leader (heartbeat or append), i.e. last supported that leader's
  /// lease.
  [[nodiscard]] std::optional<instant> last_leader_contact() const;

  /// Checks what must hold between any two events; empty when it does. For tests and sampling in production.
  [[nodiscard]] std::string broken_invariant() const;

private:
  friend struct core_access; // tests

  struct config_record {
    index_t index;
    config members;
  };
  struct pending_persist {
    std::uint64_t sequence = 0;
    index_t last; ///< durable up to here once done; 0: carries no entries
    std::optional<hard_state> state;
    instant issued;
  };

  // core.cpp: dispatch, time, roles
  void advance_time(instant now);
  void settle();
  void handle(const ev::tick&) {}
  void handle(const ev::receive& e);
  void handle(const ev::applied& e);
  void handle(const ev::link_refused& e);
  void handle(const ev::link_up& e);
  void handle(const ev::link_down& e);
  void handle(const ev::release_ticket& e);
  [[nodiscard]] bool addressed_here(const message& m);
  [[nodiscard]] bool settle_term(const message& m);
  void answer_stale(const message& m);
  void become_follower(term_t term, node_id leader, const char* reason);
  void leave_role(const char* reason);
  void report_role(const char* reason);
  void fail(std::string reason);

  // persistence.cpp: the hard state, what is on its way to the disk, stalls, and messages that wait for it
  void handle(const ev::persisted& e);
  void handle(const ev::disk_full& e);
  void set_state(term_t term, node_id vote);
  void persist_state();
  void persist_entry(const entry& e);
  persist_request& open_persist();
  void check_disk();
  [[nodiscard]] bool disk_usable() const { return !stalled_ && !disk_full_; }
  [[nodiscard]] message envelope(node_id to, message_body body) const;
  void send(node_id to, message_body body);
  void send_durably(node_id to, message_body body);
  void send_answer(node_id to, message_body body);

  // election.cpp
  void reset_election_timer();
  void election_due(duration late);
  void hurry_election();
  [[nodiscard]] bool may_still_vote() const;
  [[nodiscard]] bool always_alone() const;
  [[nodiscard]] bool may_campaign() const;
  [[nodiscard]] bool sticky() const;
  void start_pre_vote(const char* reason);
  void start_campaign(const char* reason, const timeout_now* order);
  void on(const message& m, const vote_request& b);
  void on(const message& m, const vote_response& b);
  void on(const message& m, const timeout_now& b);
  [[nodiscard]] bool refuses_term(const message& m, const vote_request& b) const;
  [[nodiscard]] bool taken_back(const vote_request& b) const;
  [[nodiscard]] bool grants(const message& m, const vote_request& b) const;
  void answer_vote(const message& m, const vote_request& b, bool granted);
  void count_votes();
  void yield_to(node_id candidate);
  void own_vote_is_durable();
  void become_leader();
  [[nodiscard]] bool leader_heard(const message& m, std::uint64_t handover_epoch);

  // lease.cpp: who may still hold a lease, and this node's own
  void note_promise(term_t term, instant answered);
  void add_claims(candidate_role& c, term_t term, duration remaining, duration older) const;
  [[nodiscard]] duration promise_remaining(const std::optional<instant>& answered) const;
  [[nodiscard]] bool has_ticket(term_t term) const;
  void extend_lease(instant round_sent);
  void drop_lease();

  // replication.cpp: the leader's side
  void handle(const ev::propose& e);
  void handle(const ev::log_entries& e);
  void on(const message& m, const append_response& b);
  void append_rejected(progress& p, const append_response& b);
  index_t append_local(entry_kind kind, payload_ptr payload);
  void replicate_all();
  void replicate_to(progress& p);
  void send_append(progress& p, std::vector<entry> entries);
  [[nodiscard]] bool extend_last_append(progress& p);
  [[nodiscard]] message* last_to(node_id peer);
  void spread_commit();
  void retry_appends(progress& p);
  void advance_commit();
  void log_for_peer(const ev::log_entries& e);

  // log.cpp: the follower's side, commit and apply
  void on(const message& m, const append_request& b);
  [[nodiscard]] bool well_formed(const message& m, const append_request& b) const;
  void accept_entries(const append_request& b);
  void reject_append(const message& m, const append_request& b);
  void commit_to(index_t index);
  void hand_out_entries();
  void log_for_apply(const ev::log_entries& e);
  void resolve_proposals();
  void expire_proposals();
  void truncate_log(index_t from);
  void trim_memory();

  // heartbeat.cpp: rounds, check-quorum, the leader's timers
  void on(const message& m, const heartbeat& b);
  void on(const message& m, const heartbeat_response& b);
  [[nodiscard]] heartbeat_response heartbeat_answer(std::uint64_t round) const;
  void start_round();
  void round_answered();
  void leader_timers(bool after_pause);
  [[nodiscard]] bool recently_heard(const progress& p) const;
  void begin_catch_up(progress& p) const;
  void note_catch_up(progress& p) const;
  [[nodiscard]] bool caught_up(const progress& p) const;
  [[nodiscard]] bool alive(node_id id) const;

  // read_index.cpp
  void handle(const ev::read& e);
  void on(const message& m, const read_index_request& b);
  void on(const message& m, const read_index_response& b);
  void add_read(waiting_read r);
  void push_reads();
  void finish_reads();
  void fail_reads(const char* reason);
  void requeue_reads();
  void forward_reads();
  void fail_forwarded(const char* reason);
  void expire_reads();

  // membership.cpp
  void handle(const ev::change_members& e);
  void take_config(index_t index, config c);
  void configs_committed();
  void leave_joint_when_due();
  void sync_peers();
  [[nodiscard]] change_error check_change(const membership_change& c, config& next) const;
  index_t append_config(const config& c);
  void revert_configs(index_t from);
  void start_departing(const config& before, const config& after);
  void notify_departing();
  void on(const message& m, const removed_notice& b);
  void on(const message& m, const removed_ack& b);
  void become_removed(const char* reason);
  [[nodiscard]] const config_record& committed_config() const;

  // transfer.cpp
  void handle(const ev::transfer& e);
  void begin_transfer(active_transfer t);
  void push_transfer();
  void end_transfer(outcome_status status, const char* reason);
  [[nodiscard]] node_id best_successor() const;
  void resign(const char* reason);
  void resign_for_disk(const char* reason);

  // snapshot.cpp
  void handle(const ev::snapshot_available& e);
  void handle(const ev::snapshot_stored& e);
  void handle(const ev::snapshot_installed& e);
  void begin_snapshot(progress& p);
  void offer_snapshot(progress& p);
  void request_chunk(progress& p);
  void retry_snapshot(progress& p);
  void on(const message& m, const snapshot_offer& b);
  void on(const message& m, const snapshot_status& b);
  [[nodiscard]] bool holds(const snapshot_meta& meta) const;
  void install_when_whole();
  void report_snapshot_status(bool installed);
  void adopt_snapshot();

  // recovering.cpp
  void recovery_contact(index_t leader_last, bool sent_since_start);
  void finish_recovery();

  [[nodiscard]] leader_role* leading() { return std::get_if<leader_role>(&role_); }
  [[nodiscard]] const leader_role* leading() const { return std::get_if<leader_role>(&role_); }
  [[nodiscard]] bool blank() const { return members().members.empty(); }

  node_id self_;
  cluster_id cluster_;
  limits limits_;
  random_source random_;
  random_source ties_; ///< for what only matters when candidates meet, so that it moves no other draw
  instant now_;
  hard_state state_;
  hard_state durable_state_;
  snapshot_meta snapshot_;
  log_view log_;
  std::vector<config_record> configs_; ///< ascending by index, never empty
  index_t committed_config_;           ///< index of the newest configuration reported committed
  index_t commit_;
  index_t handed_out_; ///< last entry given to apply
  index_t applied_;
  index_t durable_;
  bool apply_read_pending_ = false;

  role_variant role_;
  instant election_deadline_;
  bool yielded_ = false;  ///< to another's candidacy, since a leader was last heard
  instant embargo_until_; ///< after a restart: no vote before this, a promise may have been forgotten
  term_t boot_term_;
  lease_promises promises_;
  handover_mark handover_; ///< newest handover epoch heard, per term
  std::optional<incoming_snapshot> incoming_;
  std::uint64_t recovery_mark_; ///< of this start; a heartbeat with it was sent after the start
  std::optional<index_t> recovery_target_;
  term_t recovery_term_; ///< whose leader named the target
  index_t verified_;     ///< a leader found this log equal to its own up to here
  bool removed_ = false;
  bool stalled_ = false;
  bool disk_full_ = false;

  std::uint64_t persist_sequence_ = 0;
  std::deque<pending_persist> persists_;
  std::deque<pending_proposal> proposals_;
  std::optional<instant> outcome_deadline_; ///< set while no longer the leader that took the proposals
  forwarded_reads forwarded_;
  std::string fatal_;
  drop_counters dropped_;
  output* out_ = nullptr; ///< only while stepping
};

} // namespace holdfast::raft
