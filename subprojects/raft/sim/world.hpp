// The simulated world: servers, network and time, moved on by one event after another.
//
// world_host.cpp is the host of the cores: it performs their outputs as the daemon would, only that disk,
// network and state machine are models. It is written against the contract in <raft/output.hpp> and takes
// every liberty that the contract leaves.
#pragma once

#include "sim/checks.hpp"
#include "sim/event_queue.hpp"
#include "sim/marks.hpp"
#include "sim/network.hpp"
#include "sim/node.hpp"
#include "sim/options.hpp"
#include "sim/trace.hpp"

#include <functional>
#include <span>
#include <variant>
#include <vector>

namespace holdfast::raft::sim {

/// Something happens to a slot. `life` 0: to whatever runs there then.
struct wake {
  std::uint64_t generation = 0;
};
struct disk_synced {};
struct entries_applied {
  std::size_t count = 0;
  std::uint64_t generation = 0;
};
struct resume {};
struct start {};
/// A plan of the fault injector or of a client; not bound to a node.
using plan = std::function<void()>;

struct world_event {
  std::size_t slot = 0;
  std::uint64_t life = 0;
  std::variant<arrival, wake, disk_synced, entries_applied, resume, start, plan> what;
};

/// How clients hear of what became of their requests.
class request_listener {
public:
  virtual ~request_listener() = default;
  virtual void outcome(std::size_t slot, const proposal_outcome& what) = 0;
  virtual void read_failed(std::size_t slot, context_id context) = 0;
  /// The local state machine has reached the index that was waited for.
  virtual void reached(std::size_t slot, const waiting& what) = 0;
  virtual void process_gone(std::size_t slot) = 0;
};

class world {
public:
  world(std::uint64_t seed, const options& drawn, bool print);

  void listen(request_listener& listener) { listener_ = &listener; }
  /// Handles the next event; false when none is left.
  void advance();

  true_time now() const { return now_; }
  random_source& random() { return random_; }
  const options& drawn() const { return options_; }
  void at(true_time when, plan what) { queue_.push(when, {0, 0, std::move(what)}); }
  void after(microseconds delay, plan what) { at(now_ + delay, std::move(what)); }

  // What faults, operators and clients do to servers.
  void tell(std::size_t slot, event_body what); ///< one event to a running, unpaused core, now
  void crash(std::size_t slot, bool host_lives, microseconds down_for);
  void stop_for_good(std::size_t slot);
  void boot_server(std::size_t slot);
  void pause(std::size_t slot, microseconds duration);
  void let_go_of_lease(std::size_t slot);
  void replay_a_ticket(); ///< any ticket ever issued reaches anybody once more
  void add_blank_server(std::size_t slot);
  void refuse_links_to(std::size_t slot, std::uint32_t per_mille);
  void links_changed(bool up);

  bool able(std::size_t slot) const { return nodes[slot].running() && !nodes[slot].paused(now_); }
  std::optional<std::size_t> slot_of(node_id id) const;
  std::optional<std::size_t> leader() const; ///< of the highest term among those who believe they lead

  context_id next_context() { return ++contexts_; }

  std::vector<node> nodes;
  network net;
  mark_table marks;
  trace_log trace;
  checks check;

private:
  // world.cpp
  void handle(world_event& event);
  void deliver(std::size_t slot, arrival& what);
  void handle_arrivals(std::size_t slot, std::span<arrival> what);
  void receive_chunk(std::size_t slot, chunk& what);
  void plan_wake(node& on);
  void found_cluster();
  node_id fresh_id();

  // world_host.cpp
  void step(std::size_t slot, event_body what);
  void perform(std::size_t slot);
  void write_to_disk(std::size_t slot);
  void submit(std::size_t slot, disk_write what);
  void begin_sync(std::size_t slot);
  void finish_sync(std::size_t slot);
  void send(std::size_t from, message what);
  void send_chunk(std::size_t from, const snapshot_chunk& what);
  void answer_log_read(std::size_t slot, const log_read& what);
  void begin_apply(std::size_t slot);
  void finish_apply(std::size_t slot, std::size_t count);
  void deliver_tickets(std::size_t slot, term_t term);
  void send_ticket(std::size_t from, std::size_t to, term_t term);
  void forget_process(std::size_t slot);
  void wake_waiting(std::size_t slot);
  void maybe_snapshot(std::size_t slot);
  void prepare_receive(std::size_t slot, const snapshot_meta& meta);
  void install(std::size_t slot, const snapshot_meta& meta);
  void installed(std::size_t slot, const stored_snapshot& what);
  void follow_lease(std::size_t slot);
  void note_roles(std::size_t slot);
  void local_event(std::size_t slot, microseconds delay, event_body what);

  options options_;
  random_source random_;
  event_queue<world_event> queue_;
  true_time now_{};
  cluster_id cluster_;
  request_listener* listener_ = nullptr;
  context_id contexts_ = 0;
  std::uint64_t ids_ = 0;
  std::vector<term_t> tickets_; ///< issued so far
  std::string wire_;
};

} // namespace holdfast::raft::sim
