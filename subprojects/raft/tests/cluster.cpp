#include "cluster.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace holdfast::raft::test {
namespace {

constexpr duration tick_interval = std::chrono::milliseconds{10};
constexpr duration link_delay = std::chrono::milliseconds{1};
constexpr duration write_time = std::chrono::milliseconds{1};
constexpr duration chunk_time = std::chrono::milliseconds{5};

std::string text_of(const entry& e) {
  return e.payload && e.kind >= first_application_kind ? *e.payload : std::string{};
}

std::string config_text(const config& c) {
  std::string s;
  for (const member& m : c.members) {
    s += s.empty() ? "" : " ";
    s += name_of(m.id);
    s += m.voter && m.outgoing ? "" : m.voter ? (c.joint ? "+" : "") : m.outgoing ? "-" : "?";
    s += m.observer ? "o" : "";
  }
  return (c.joint ? "joint{" : "{") + s + "}";
}

} // namespace

node_id id_of(node_number n) {
  return {0, n};
}
std::string name_of(node_id id) {
  return id.is_nil() ? "-" : "n" + std::to_string(id.low);
}

void cluster::found(std::uint32_t voters) {
  std::vector<node_id> ids;
  for (node_number n = 1; n <= voters; ++n)
    ids.push_back(id_of(n));
  for (node_number n = 1; n <= voters; ++n) {
    node& x = nodes_[n];
    x.number = n;
    x.disk.snapshot.id = {1};
    x.disk.snapshot.size = {100};
    x.disk.snapshot.members = make_config(ids);
  }
  snapshot_states_[1] = {};
  for (node_number n = 1; n <= voters; ++n)
    boot_node(nodes_.at(n));
}

void cluster::add_blank(node_number n) {
  nodes_[n] = node{};
  nodes_[n].number = n;
  boot_node(nodes_.at(n));
}

void cluster::boot_node(node& n, bool payloads) {
  boot b;
  b.self = id_of(n.number);
  b.cluster = cluster_;
  b.lim = lim;
  b.seed = seed_ * 1000003 + n.number * 1009 + ++n.starts;
  b.now = now_;
  b.state = n.disk.state;
  b.snapshot = n.disk.snapshot;
  b.log_base = n.disk.log_base;
  b.log_base_term = n.disk.log_base_term;
  b.log = n.disk.log;
  if (!payloads)
    for (entry& e : b.log)
      if (e.kind >= first_application_kind)
        e.payload = nullptr;
  b.applied = n.disk.snapshot.index;
  n.applied = n.disk.snapshot_state;
  n.applied_index = b.applied;
  n.raft = std::make_unique<core>(std::move(b));
  n.paused = false;
  n.write_running = false;
  n.writes.clear();
  at_time(tick_interval, {action::what::tick, n.number, n.starts, {}, {}, 0});
}

void cluster::restart(node_number n, bool payloads) {
  note("n" + std::to_string(n) + " starts");
  boot_node(nodes_.at(n), payloads);
}

void cluster::kill(node_number n) {
  node& x = nodes_.at(n);
  x.raft.reset();
  x.writes.clear();
  x.while_paused.clear();
  x.write_running = false;
  note("n" + std::to_string(n) + " is gone");
}

void cluster::refuse(node_number n) {
  kill(n);
  run(link_delay * 2); // what it sent before arrives before a new connection can be refused
  for (auto& [number, x] : nodes_)
    if (x.raft)
      step(x, ev::link_refused{id_of(n)});
}

void cluster::pause(node_number n) {
  nodes_.at(n).paused = true;
}

void cluster::resume(node_number n) {
  node& x = nodes_.at(n);
  x.paused = false;
  note("n" + std::to_string(n) + " runs again");
  auto waiting = std::move(x.while_paused);
  x.while_paused.clear();
  for (event_body& body : waiting)
    if (x.raft)
      step(x, std::move(body));
  at_time(duration{0}, {action::what::tick, n, x.starts, {}, {}, 0});
  if (!x.stalled)
    start_write(x);
}

void cluster::stall(node_number n, bool on) {
  nodes_.at(n).stalled = on;
  if (!on)
    start_write(nodes_.at(n));
}

void cluster::crash_after_write(node_number n) {
  nodes_.at(n).crash_after_next_write = true;
}

/// Bit rot: everything from `from` on is cut off, as the log's recovery would.
void cluster::rot(node_number n, index_t from) {
  stored_disk& d = nodes_.at(n).disk;
  while (!d.log.empty() && d.log.back().index >= from)
    d.log.pop_back();
  d.state.recovering = true;
}

void cluster::snapshot(node_number n, byte_count size) {
  node& x = nodes_.at(n);
  stored_disk& d = x.disk;
  const index_t index = std::min(x.applied_index, x.raft->durable_index());
  snapshot_meta meta;
  meta.id = {1000 + index.value};
  meta.index = index;
  meta.term = *x.raft->log().term_at(index);
  meta.size = size;
  meta.members = *x.raft->members_at(index);
  std::erase_if(d.log, [&](const entry& e) { return e.index <= index; });
  d.snapshot = meta;
  d.log_base = index;
  d.log_base_term = meta.term;
  d.snapshot_state = x.applied;
  snapshot_states_[meta.id.value] = x.applied;
  step(x, ev::snapshot_available{meta.id, index, size, index.next()});
}

void cluster::lose(const std::string& type, node_number from, node_number to, unsigned count) {
  losses_[type + std::to_string(from) + ">" + std::to_string(to)] = count;
}

void cluster::hold(const std::string& type, node_number from, node_number to, unsigned count) {
  holds_[type + std::to_string(from) + ">" + std::to_string(to)] = count;
}

void cluster::let_go() {
  for (message& m : std::exchange(held_, {}))
    deliver(static_cast<node_number>(m.to.low), ev::receive{std::move(m)});
}

void cluster::deliver(node_number n, event_body body) {
  node& x = nodes_.at(n);
  if (x.raft)
    step(x, std::move(body));
}

void cluster::at_time(duration delay, action a) {
  queue_.emplace(std::pair{(now_ + delay).us, ++order_}, std::move(a));
}

void cluster::run(duration d) {
  const instant end = now_ + d;
  while (!queue_.empty() && queue_.begin()->first.first <= end.us) {
    const action a = std::move(queue_.begin()->second);
    now_ = {queue_.begin()->first.first};
    queue_.erase(queue_.begin());
    perform(a);
  }
  now_ = end;
}

node_number cluster::leader() const {
  node_number best = 0;
  for (const auto& [number, x] : nodes_)
    if (x.raft && x.raft->is_leader() && (best == 0 || x.raft->term() > nodes_.at(best).raft->term()))
      best = number;
  return best;
}

node_number cluster::await_leader() {
  for (int i = 0; i < 4000; ++i) {
    const node_number n = leader();
    if (n != 0 && !nodes_.at(n).paused) {
      const core& c = *nodes_.at(n).raft;
      if (c.log().term_at(c.commit_index()) == c.term())
        return n;
    }
    run(std::chrono::milliseconds{5});
  }
  return 0;
}

void cluster::perform(const action& a) {
  node& n = nodes_.at(a.to);
  if (!n.raft || n.starts != a.start)
    return;
  switch (a.kind) {
  case action::what::tick:
    if (n.paused)
      return;
    step(n, ev::tick{});
    if (n.raft)
      at_time(tick_interval, a);
    return;
  case action::what::message:
    if (n.paused)
      n.while_paused.push_back(ev::receive{a.msg});
    else
      step(n, ev::receive{a.msg});
    return;
  case action::what::write_done:
    finish_write(n);
    return;
  case action::what::chunk:
    chunk_arrived(a);
    return;
  case action::what::installed:
    step(n, ev::snapshot_installed{a.chunk.id, true});
    return;
  }
}

void cluster::step(node& n, event_body body) {
  output out;
  n.raft->step(event{now_, std::move(body)}, out);
  if (!out.fatal.empty()) {
    note("n" + std::to_string(n.number) + " FATAL " + out.fatal);
    kill(n.number);
    return;
  }
  trace_output(n, out);
  check(n);
  carry_out(n, std::move(out));
}

void cluster::carry_out(node& n, output out) {
  for (const message& m : out.send_now)
    transmit(n, m);
  serve_reads(n, out);
  if (out.receive_snapshot)
    step(n, ev::snapshot_stored{out.receive_snapshot->id, n.disk.partial[out.receive_snapshot->id.value]});
  if (n.raft && out.install_snapshot) {
    install(n, *out.install_snapshot);
    at_time(write_time,
            {action::what::installed, n.number, n.starts, {}, {{}, out.install_snapshot->id, {}, {}, {}}, 0});
  }
  if (!n.raft)
    return;
  const std::vector<entry> entries = std::move(out.apply);
  if (!out.persist.empty()) {
    out.apply.clear();
    n.writes.push_back(std::move(out));
    start_write(n);
  }
  apply(n, entries);
}

void cluster::start_write(node& n) {
  if (n.stalled || n.paused || n.write_running || n.writes.empty() || !n.raft)
    return;
  n.write_running = true;
  at_time(write_time, {action::what::write_done, n.number, n.starts, {}, {}, 0});
}

void cluster::finish_write(node& n) {
  n.write_running = false;
  if (n.stalled || n.paused || n.writes.empty())
    return;
  const output done = std::move(n.writes.front());
  n.writes.pop_front();
  stored_disk& d = n.disk;
  if (done.persist.state)
    d.state = *done.persist.state;
  if (done.persist.truncate_from)
    std::erase_if(d.log, [&](const entry& e) { return e.index >= *done.persist.truncate_from; });
  for (const entry& e : done.persist.entries) {
    const index_t last = d.log.empty() ? d.log_base : d.log.back().index;
    if (e.index != last.next())
      broken_ = "persist does not continue the log on disk of n" + std::to_string(n.number);
    d.log.push_back(e);
  }
  if (n.crash_after_next_write) {
    n.crash_after_next_write = false;
    kill(n.number);
    return;
  }
  for (const message& m : done.send_after_persist)
    transmit(n, m);
  step(n, ev::persisted{done.persist.sequence});
  start_write(n);
}

void cluster::transmit(node& n, const message& m) {
  const auto to = static_cast<node_number>(m.to.low);
  const auto it = nodes_.find(to);
  bool lost = it == nodes_.end() || !it->second.raft || cuts_.count({n.number, to}) > 0;
  const auto key = raft::name_of(m.body) + std::to_string(n.number) + ">" + std::to_string(to);
  const auto loss = losses_.find(key);
  if (!lost && loss != losses_.end() && loss->second > 0) {
    --loss->second;
    lost = true;
  }
  if (const auto kept = holds_.find(key); !lost && kept != holds_.end() && kept->second > 0) {
    --kept->second;
    held_.push_back(m);
    return;
  }
  if (show_messages)
    note("  n" + std::to_string(n.number) + " > n" + std::to_string(to) + " " + raft::name_of(m.body) +
         (lost ? " (lost)" : ""));
  if (!lost)
    at_time(link_delay, {action::what::message, to, it->second.starts, m, {}, n.number});
}

void cluster::apply(node& n, const std::vector<entry>& entries) {
  if (entries.empty())
    return;
  for (const entry& e : entries) {
    if (e.index != n.applied_index.next())
      broken_ = "n" + std::to_string(n.number) + " was handed entries out of order";
    n.applied_index = e.index;
    check_applied(n, e);
    if (e.kind >= first_application_kind)
      n.applied.push_back(text_of(e));
  }
  if (!n.slow_apply)
    step(n, ev::applied{n.applied_index});
}

void cluster::serve_reads(node& n, const output& out) {
  for (const log_read& r : out.read_log) {
    std::vector<entry> entries;
    for (const entry& e : n.disk.log)
      if (e.index >= r.first && e.index <= r.last)
        entries.push_back(e);
    step(n, ev::log_entries{r.for_peer, r.first, std::move(entries)});
    if (!n.raft)
      return;
  }
  for (const snapshot_chunk& c : out.send_chunks) {
    const auto to = static_cast<node_number>(c.to.low);
    note("  n" + std::to_string(n.number) + " sends bytes " + std::to_string(c.offset.value) + "+" +
         std::to_string(c.length.value) + " of snapshot " + std::to_string(c.index.value) + " to " +
         name_of(c.to));
    const auto it = nodes_.find(to);
    if (it != nodes_.end() && it->second.raft && cuts_.count({n.number, to}) == 0)
      at_time(chunk_time, {action::what::chunk, to, it->second.starts, {}, c, n.number});
  }
}

void cluster::chunk_arrived(const action& a) {
  node& n = nodes_.at(a.to);
  byte_count& stored = n.disk.partial[a.chunk.id.value];
  if (cuts_.count({a.from, a.to}) > 0 || stored != a.chunk.offset)
    return;
  stored.value += a.chunk.length.value;
  step(n, ev::snapshot_stored{a.chunk.id, stored});
}

void cluster::install(node& n, const snapshot_meta& meta) {
  stored_disk& d = n.disk;
  d.snapshot = meta;
  d.log.clear();
  d.log_base = meta.index;
  d.log_base_term = meta.term;
  d.snapshot_state = snapshot_states_.at(meta.id.value);
  d.partial.clear();
  n.applied = d.snapshot_state;
  n.applied_index = meta.index;
}

void cluster::note(const std::string& line) {
  std::array<char, 32> stamp{};
  std::snprintf(stamp.data(), stamp.size(), "%8.1f ", static_cast<double>(now_.us) / 1000.0);
  trace_ += stamp.data() + line + "\n";
}

std::string cluster::take_trace() {
  return std::exchange(trace_, {});
}

void cluster::trace_output(const node& n, const output& out) {
  const std::string who = "n" + std::to_string(n.number) + " ";
  for (const role_change& r : out.roles)
    note(who + to_string(r.now) + " term " + std::to_string(r.term.value) + " leader " + name_of(r.leader) +
         " (" + r.reason + ")");
  for (const config_change& c : out.configs)
    note(who + "config " + config_text(c.members) + " at " + std::to_string(c.index.value) +
         (c.committed ? " committed" : ""));
  if (out.persist.truncate_from)
    note(who + "truncates from " + std::to_string(out.persist.truncate_from->value));
  static constexpr std::array<const char*, 4> status_names = {"committed", "surely not", "unknown",
                                                              "overloaded"};
  for (const proposal_outcome& o : out.outcomes)
    note(who + "request " + std::to_string(o.context) + ": " +
         status_names[static_cast<std::size_t>(o.status)] +
         (o.index.value != 0 ? " at " + std::to_string(o.index.value) : std::string{}) +
         (*o.reason != 0 ? std::string{" ("} + o.reason + ")" : std::string{}));
  for (const read_outcome& r : out.reads)
    note(who + "read " + std::to_string(r.context) +
         (r.ok ? ": ok at " + std::to_string(r.index.value) : std::string{": refused ("} + r.reason + ")"));
  if (out.lease && !out.lease->until)
    note(who + "lease given up");
  if (out.receive_snapshot)
    note(who + "prepares for snapshot " + std::to_string(out.receive_snapshot->index.value));
  if (out.install_snapshot)
    note(who + "installs snapshot " + std::to_string(out.install_snapshot->index.value));
  if (out.removed)
    note(who + "REMOVED");
}

std::string cluster::status_table() const {
  std::string s;
  for (const auto& [number, x] : nodes_) {
    s += "n" + std::to_string(number);
    if (!x.raft) {
      s += " down\n";
      continue;
    }
    const core_status t = x.raft->status();
    s += std::string{" "} + to_string(t.what) + " term " + std::to_string(t.term.value) + " leader " +
         name_of(t.leader) + " last " + std::to_string(t.last.value) + " durable " +
         std::to_string(t.durable.value) + " commit " + std::to_string(t.commit.value) +
         (t.disk_stalled ? " stalled" : "") + (t.transferring ? " transferring" : "");
    const auto lease = x.raft->lease();
    s += lease.until && now_ < *lease.until ? " lease" : "";
    s += " " + config_text(x.raft->members()) + "\n";
  }
  return s;
}

void cluster::check(const node& n) {
  const core& c = *n.raft;
  if (const std::string b = c.broken_invariant(); !b.empty() && broken_.empty())
    broken_ = "n" + std::to_string(n.number) + ": " + b;
  if (c.is_leader()) {
    const auto [it, fresh] = leader_of_term_.emplace(c.term().value, c.self());
    if (!fresh && it->second != c.self())
      broken_ = "two leaders in term " + std::to_string(c.term().value);
    // Leader completeness: whatever any node has applied is in the leader's log.
    for (const auto& [index, what] : committed_)
      if (fresh && index > c.log().base_index().value && c.log().term_at({index}) != what.first)
        broken_ = "the leader of term " + std::to_string(c.term().value) + " lacks committed entry " +
                  std::to_string(index);
  }
  check_leases();
}

/// Who may act as the holder: its own lease runs and every earlier one has surely ended.
void cluster::check_leases() {
  unsigned holders = 0;
  for (const auto& [number, x] : nodes_) {
    if (!x.raft)
      continue;
    const auto lease = x.raft->lease();
    const auto clear = x.raft->previous_lease_clear_at();
    holders += lease.until && now_ < *lease.until && clear && now_ >= *clear ? 1U : 0U;
  }
  if (holders > 1)
    broken_ = "two holders of the lease";
}

void cluster::check_applied(const node& n, const entry& e) {
  const auto [it, fresh] = committed_.emplace(e.index.value, std::pair{e.term, text_of(e)});
  if (!fresh && it->second != std::pair{e.term, text_of(e)})
    broken_ = "n" + std::to_string(n.number) + " applied another entry at " + std::to_string(e.index.value);
  if (!fresh)
    return;
  // Commit on a durable quorum: count the disks of the applying node's configuration.
  unsigned holders = 0, voters = 0;
  for (const member& m : n.raft->members().members) {
    if (!m.voter)
      continue;
    ++voters;
    const auto other = nodes_.find(static_cast<node_number>(m.id.low));
    if (other == nodes_.end())
      continue;
    const stored_disk& d = other->second.disk;
    const bool has = e.index <= d.snapshot.index ||
                     std::any_of(d.log.begin(), d.log.end(),
                                 [&](const entry& x) { return x.index == e.index && x.term == e.term; });
    holders += has ? 1U : 0U;
  }
  if (holders * 2 <= voters && !n.raft->members().joint)
    broken_ = "entry " + std::to_string(e.index.value) + " was applied without a durable quorum";
}

} // namespace holdfast::raft::test
