#include "sim/clients.hpp"

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

namespace {
constexpr std::size_t probe_client = client_count - 1;
}

clients::clients(world& in)
    : world_(in), random_(in.random().fork()), active_(std::min(in.drawn().clients, probe_client)) {
  in.listen(*this);
}

void clients::begin() {
  for (std::size_t who = 0; who < active_; ++who)
    world_.after(random_.between(0us, 500'000us), [this, who] { next_request(who); });
}

void clients::next_request(std::size_t who) {
  auto& one = clients_[who];
  if (one.busy || (retired_ && who != probe_client))
    return;
  choose_request(one, who);
  one.busy = true;
  one.begun = world_.check.history.begin();
  attempt(who);
}

void clients::choose_request(client& one, std::size_t who) {
  const auto key = static_cast<std::uint8_t>(random_.below(key_count));
  one.is_read = who == probe_client ? !one.is_read : random_.per_mille(world_.drawn().read_per_mille);
  if (one.is_read) {
    one.read_key = key;
    return;
  }
  one.write = command{};
  one.write.kind = random_.per_mille(300) ? command_kind::conditional_put : command_kind::put;
  one.write.key = key;
  one.write.client = static_cast<std::uint8_t>(who);
  one.write.sequence = ++one.sequence;
  one.write.value = ++values_;
  one.write.expected = last_seen_[key];
}

std::size_t clients::choose_server(const client& one) {
  if (const auto leader = world_.leader(); leader && random_.per_mille(one.is_read ? 500 : 850))
    return *leader;
  return random_.below(world_.nodes.size());
}

void clients::attempt(std::size_t who) {
  auto& one = clients_[who];
  ++one.turn;
  one.server = choose_server(one);
  if (!world_.nodes[one.server].running()) {
    attempt_later(who, random_.between(5ms, 100ms)); // refused: surely not done there
    return;
  }
  const auto turn = one.turn;
  world_.after(world_.drawn().client_timeout, [this, who, turn] {
    if (clients_[who].busy && clients_[who].turn == turn)
      timed_out(who);
  });
  if (world_.nodes[one.server].paused(world_.now()))
    return; // connected to a process that does not run: nothing comes back
  one.context = world_.next_context();
  auto& sent = open_[one.context] = {who, one.server, one.is_read, turn, {}};
  if (one.is_read) {
    world_.tell(one.server, ev::read{one.context});
    return;
  }
  ++one.write.attempt;
  sent.payload = encode(one.write);
  world_.trace.note("client writes", static_cast<int>(one.server), -1, who, one.write.sequence,
                    one.write.value);
  const auto payload = std::make_shared<const std::string>(sent.payload);
  world_.tell(one.server, ev::propose{one.context, first_application_kind, payload});
}

void clients::attempt_later(std::size_t who, microseconds delay) {
  const auto turn = ++clients_[who].turn;
  world_.after(delay, [this, who, turn] {
    if (clients_[who].busy && clients_[who].turn == turn)
      attempt(who);
  });
}

void clients::timed_out(std::size_t who) {
  auto& one = clients_[who];
  const bool again = who == probe_client || one.is_read ||
                     (one.write.attempt < 50'000 && random_.per_mille(world_.drawn().retry_per_mille));
  if (again) {
    attempt_later(who, random_.between(5ms, 200ms));
    return;
  }
  world_.marks.hit(mark::write_unknown);
  finish(who);
}

void clients::finish(std::size_t who) {
  auto& one = clients_[who];
  one.busy = false;
  ++one.turn;
  if (who != probe_client)
    world_.after(random_.between(world_.drawn().think_low, world_.drawn().think_high),
                 [this, who] { next_request(who); });
}

bool clients::probe() {
  auto& one = clients_[probe_client];
  if (!probing_) {
    probing_ = true;
    one.is_read = true; // the first request is then a write, the second a read
    one.finished = 0;
  }
  if (one.finished < 2 && !one.busy)
    next_request(probe_client);
  return one.finished >= 2;
}

void clients::outcome(std::size_t slot, const proposal_outcome& what) {
  const auto found = open_.find(what.context);
  if (found == open_.end()) {
    if (others_)
      others_(what);
    return;
  }
  const auto asked = found->second;
  world_.check.outcomes.told(world_.check.truth, what, asked.payload);
  world_.trace.note("outcome", static_cast<int>(slot), -1, asked.client,
                    static_cast<std::uint64_t>(what.status), what.index.value);
  auto& one = clients_[asked.client];
  const bool current = one.busy && one.turn == asked.turn;
  switch (what.status) {
  case outcome_status::committed:
    world_.nodes[slot].waits.push_back({what.context, what.index, true});
    return;
  case outcome_status::surely_not:
    world_.marks.hit(mark::write_surely_not);
    if (current)
      attempt_later(asked.client, random_.between(5ms, 100ms));
    break;
  case outcome_status::overloaded:
    world_.marks.hit(mark::write_overloaded);
    if (current)
      attempt_later(asked.client, random_.between(20ms, 200ms));
    break;
  case outcome_status::unknown:
    if (current)
      timed_out(asked.client);
    break;
  }
  open_.erase(found);
}

void clients::read_failed(std::size_t, context_id context) {
  const auto found = open_.find(context);
  if (found == open_.end())
    return;
  const auto asked = found->second;
  open_.erase(found);
  world_.marks.hit(mark::read_refused);
  if (clients_[asked.client].busy && clients_[asked.client].turn == asked.turn)
    attempt_later(asked.client, random_.between(5ms, 100ms));
}

void clients::reached(std::size_t slot, const waiting& what) {
  const auto found = open_.find(what.context);
  if (found == open_.end())
    return;
  const auto asked = found->second;
  open_.erase(found);
  auto& one = clients_[asked.client];
  if (!one.busy || one.turn != asked.turn)
    return; // the client went on without this answer; it is bound to nothing
  const auto& on = world_.nodes[slot];
  if (what.write) {
    const auto& told = world_.check.answer_at(what.index);
    world_.marks.hit(mark::write_committed);
    if (told.stale)
      throw violation{"idempotent retries", "a client's current write was taken for an old one"};
    world_.check.history.write_done(one.begun, one.write, told.index, told.done);
    if (told.done)
      last_seen_[one.write.key] = one.write.value;
    ++writes_done_;
  } else {
    world_.marks.hit(on.leads() ? mark::read_on_leader : mark::read_on_follower);
    const auto value = on.state.value(one.read_key);
    world_.check.history.read_done(one.begun, one.read_key, on.state.applied(), value);
    last_seen_[one.read_key] = value;
    ++reads_done_;
  }
  ++one.finished;
  finish(asked.client);
}

void clients::process_gone(std::size_t slot) {
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second.server != slot) {
      ++at;
      continue;
    }
    const auto asked = at->second;
    at = open_.erase(at);
    auto& one = clients_[asked.client];
    if (one.busy && one.turn == asked.turn)
      attempt_later(asked.client,
                    random_.between(20ms, 300ms)); // the connection broke: outcome unknown, asks again
  }
}

} // namespace holdfast::raft::sim
