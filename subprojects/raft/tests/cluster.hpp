// A few cores on one virtual clock, with just enough host around each: a disk that syncs in order and may
// stall, links that may be cut, snapshots that travel in chunks. Deterministic; writes a readable trace.
// Invariants over all nodes are checked after every step.
#pragma once

#include <raft/core.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace holdfast::raft::test {

using node_number = std::uint32_t;

[[nodiscard]] node_id id_of(node_number n);
[[nodiscard]] std::string name_of(node_id id); ///< "n2"; "-" for nil

struct stored_disk {
  hard_state state;
  snapshot_meta snapshot;
  index_t log_base;
  term_t log_base_term;
  std::vector<entry> log;
  std::vector<std::string> snapshot_state;
  std::map<std::uint64_t, byte_count> partial; ///< unfinished snapshots by id
};

struct node {
  node_number number = 0;
  std::unique_ptr<core> raft; ///< null while down
  stored_disk disk;
  std::deque<output> writes;        ///< on their way to the disk, oldest first
  std::vector<std::string> applied; ///< payloads
  index_t applied_index;
  std::uint64_t starts = 0;
  bool paused = false;
  bool stalled = false;
  bool write_running = false;
  bool crash_after_next_write = false;
  bool slow_apply = false;
  std::vector<event_body> while_paused;
};

class cluster {
public:
  explicit cluster(std::uint64_t seed) : seed_{seed} {}

  limits lim;
  bool show_messages = false;

  void found(std::uint32_t voters);
  void add_blank(node_number n);
  /// Without `payloads` the core knows kind and term of its application entries, and has to read them from
  /// disk.
  void restart(node_number n, bool payloads = true);
  void kill(node_number n);
  void refuse(node_number n); ///< kill, and the peers' dialling is refused
  void pause(node_number n);
  void resume(node_number n);
  void stall(node_number n, bool on);
  void crash_after_write(node_number n);
  void rot(node_number n, index_t from);
  void snapshot(node_number n, byte_count size);
  void cut(node_number from, node_number to) { cuts_.insert({from, to}); }
  void heal(node_number from, node_number to) { cuts_.erase({from, to}); }
  void heal_all() { cuts_.clear(); }
  /// Loses the next `count` messages of this type on this link.
  void lose(const std::string& type, node_number from, node_number to, unsigned count);
  /// Keeps the next `count` messages of this type on this link back until let_go(), across restarts.
  void hold(const std::string& type, node_number from, node_number to, unsigned count);
  void let_go();
  void deliver(node_number n, event_body body);
  void run(duration d);
  /// Runs until a live node leads and has committed in its term, at most 20 s.
  [[nodiscard]] node_number await_leader();
  [[nodiscard]] node_number leader() const; ///< of the highest term; 0: none
  [[nodiscard]] node& at(node_number n) { return nodes_.at(n); }
  [[nodiscard]] std::map<node_number, node>& nodes() { return nodes_; }
  [[nodiscard]] instant now() const { return now_; }
  [[nodiscard]] std::string take_trace();
  [[nodiscard]] std::string status_table() const;
  [[nodiscard]] const std::string& broken() const { return broken_; }
  void note(const std::string& line);

private:
  struct action {
    enum class what : std::uint8_t { tick, message, write_done, chunk, installed } kind = what::tick;
    node_number to = 0;
    std::uint64_t start = 0; ///< of the node, so that nothing reaches a later life by accident
    message msg;
    snapshot_chunk chunk;
    node_number from = 0;
  };

  void boot_node(node& n, bool payloads = true);
  void at_time(duration delay, action a);
  void perform(const action& a);
  void step(node& n, event_body body);
  void carry_out(node& n, output out);
  void start_write(node& n);
  void finish_write(node& n);
  void transmit(node& n, const message& m);
  void apply(node& n, const std::vector<entry>& entries);
  void serve_reads(node& n, const output& out);
  void chunk_arrived(const action& a);
  void install(node& n, const snapshot_meta& meta);
  void trace_output(const node& n, const output& out);
  void check(const node& n);
  void check_leases();
  void check_applied(const node& n, const entry& e);

  std::uint64_t seed_;
  cluster_id cluster_{7, 7};
  instant now_{1000};
  std::map<node_number, node> nodes_;
  std::multimap<std::pair<std::int64_t, std::uint64_t>, action> queue_;
  std::uint64_t order_ = 0;
  std::set<std::pair<node_number, node_number>> cuts_;
  std::map<std::string, unsigned> losses_;
  std::map<std::string, unsigned> holds_;
  std::vector<message> held_;
  std::map<std::uint64_t, node_id> leader_of_term_;
  std::map<std::uint64_t, std::pair<term_t, std::string>> committed_; ///< by index: term and payload
  std::map<std::uint64_t, std::vector<std::string>> snapshot_states_; ///< by id
  std::string trace_;
  std::string broken_;
};

} // namespace holdfast::raft::test
