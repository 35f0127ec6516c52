#include "tools/chaos/workload.hpp"

#include "tools/chaos/json_edit.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <charconv>

namespace holdfast::chaos {

namespace {

using namespace std::chrono_literals;

constexpr unsigned list_count = 4;
constexpr unsigned stray_share = 20; ///< one request in so many goes to a member drawn at random

std::uint64_t number_of(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::string profile_path(const std::string& name) {
  return "/api/v3/profiles/" + name;
}

std::string profile(const std::string& name, std::uint64_t value) {
  return R"({"Name":")" + name + R"(","Description":")" + std::to_string(value) + "\"}";
}

std::string note_of(unsigned member, const api_answer& got) {
  return "member " + std::to_string(member) + " " + got.text().substr(0, 80);
}

} // namespace

std::string register_name(std::uint32_t key) {
  return register_prefix + std::to_string(key);
}

struct workload::client {
  unsigned number;
  std::mt19937_64 dice;
  unsigned at = 0; ///< index of the member it talks to
  std::int64_t next = 0;
  std::vector<std::uint64_t> last_seen; ///< per key, for conditions that have a chance
  std::uint64_t below(std::uint64_t limit) { return dice() % limit; }
};

workload::workload(cluster& over, const scenario& what, run_record& record, std::uint64_t seed)
    : cluster_(over), what_(what), record_(record), seed_(seed) {}

unsigned workload::lists() const {
  return what_.append.clients == 0 ? 0 : list_count;
}

asio::awaitable<unsigned> workload::prepare() {
  auto* active = co_await cluster_.find_active(30s);
  if (!active)
    throw std::runtime_error("no member became active");
  hint_ = active->number;
  for (unsigned i = 0; i < lists(); ++i) {
    const auto body = R"({"Name":")" + (list_prefix + std::to_string(i)) + R"(","Params":{"log":[]}})";
    const auto got = co_await cluster_.ask(*active, "POST", "/api/v3/profiles", body, 10s);
    if (!got.ok())
      throw std::runtime_error("cannot make a list: " + got.text());
  }
  co_return active->number;
}

void workload::start(asio::any_io_executor executor) {
  const auto done = [this](const std::exception_ptr& error) {
    --running_;
    try {
      if (error)
        std::rethrow_exception(error);
    } catch (const std::exception& why) {
      failure_ = why.what();
    }
  };
  unsigned number = 0;
  for (unsigned i = 0; i < what_.workload.clients; ++i, ++running_)
    asio::co_spawn(executor, run_registers(number++), done);
  for (unsigned i = 0; i < what_.set.clients; ++i, ++running_)
    asio::co_spawn(executor, run_adder(number++, false), done);
  for (unsigned i = 0; i < what_.append.clients; ++i, ++running_)
    asio::co_spawn(executor, run_adder(number++, true), done);
}

asio::awaitable<void> workload::stop() {
  stopping_ = true;
  while (running_ > 0)
    co_await sleep_for(10ms);
}

void workload::note(const tick& one) {
  record_.ticks.push_back(one);
  if (one.write && one.outcome == op_outcome::ok)
    newest_acknowledged_call_ = std::max(newest_acknowledged_call_, one.called);
}

void workload::move_on(client& who) {
  const auto& all = cluster_.members();
  // Half the time where the active was last seen, else the next in turn: the hint may be of a dead member.
  // Never the one that just failed.
  if (hint_ != 0 && hint_ - 1 != who.at && who.below(2) == 0) {
    who.at = hint_ - 1;
    return;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    who.at = static_cast<unsigned>((who.at + 1) % all.size());
    if (all[who.at]->enrolled)
      return;
  }
}

asio::awaitable<api_answer> workload::send(client& who, api_call what) {
  what.time = what_.patience;
  const bool writes = what.method != "GET";
  const auto called = now_ns();
  if (what_.cluster.virtual_ip && who.number % 2 == 1) {
    auto got = co_await cluster_.client().call(cluster_.virtual_place(), std::move(what));
    if (writes && got.ok())
      note_writer({called, now_ns(), 0}, got.answered_by);
    got.failed = !got.seen.answered || got.seen.status >= 500;
    got.trouble = "virtual address " + got.text().substr(0, 80);
    if (!got.seen.answered)
      co_await sleep_for(5ms);
    co_return got;
  }
  // A daemon that is not enrolled is another cluster, of one member: its answers say nothing about this one.
  const auto all = cluster_.enrolled();
  if (!cluster_.members()[who.at]->enrolled)
    move_on(who);
  const bool stray = who.below(stray_share) == 0 || !cluster_.members()[who.at]->enrolled;
  auto& to = stray ? *all[who.below(all.size())] : *cluster_.members()[who.at];
  auto got = co_await cluster_.client().call(cluster_.place(to), std::move(what));
  if (writes && got.ok())
    note_writer({called, now_ns(), to.number}, got.answered_by);
  got.trouble = note_of(to.number, got);
  const bool served = got.seen.answered && got.seen.status < 500;
  // Who refuses a connection is not there (any more, or not yet). What was taken is answered, also by one
  // that leaves in order.
  const bool owes = got.seen.sent && (to.leaving || (to.process.running() && !to.paused));
  got.failed = !served && (got.seen.answered || owes);
  constexpr std::size_t most = 20;
  if (got.failed && record_.failures.size() < most)
    record_.failures.push_back(got.trouble);
  if (!served && !stray) {
    move_on(who);
    co_await sleep_for(5ms);
  }
  co_return got;
}

/// Who acknowledged it: the member asked, unless another one answered in its place.
void workload::note_writer(const acknowledgement& one, const std::string& answered_by) {
  auto noted = one;
  if (!answered_by.empty()) {
    const auto& all = cluster_.members();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& member) { return member->id == answered_by; });
    noted.member = found == all.end() ? 0 : (*found)->number;
  }
  if (noted.member != 0) // otherwise nobody knows
    record_.acknowledged.push_back(noted);
}

asio::awaitable<void> workload::pace(client& who, unsigned clients, unsigned rate) {
  if (rate == 0)
    co_return;
  const auto now = now_ns();
  const auto period = static_cast<std::int64_t>(1'000'000'000LL * clients / rate);
  who.next = std::max(who.next + period, now);
  co_await sleep_for(std::chrono::nanoseconds{who.next - now});
}

asio::awaitable<void> workload::run_registers(unsigned number) {
  client who{number, std::mt19937_64{seed_ * 1000003 + number}, hint_ - 1, now_ns(), {}};
  who.last_seen.resize(what_.workload.keys);
  while (!stopping_) {
    co_await pace(who, what_.workload.clients, what_.workload.rate);
    if (!stopping_)
      co_await one_register_operation(who);
  }
}

void workload::record_list(const operation& asked, const std::string& body) {
  const auto found = named(body, register_prefix);
  for (std::uint32_t key = 0; key < what_.workload.keys; ++key) {
    auto one = asked;
    one.key = key;
    const auto at = found.find(register_name(key));
    one.value = at == found.end() ? 0 : number_of(at->second);
    record_.registers.push_back(std::move(one));
  }
}

asio::awaitable<void> workload::one_register_operation(client& who) {
  const auto& mix = what_.workload;
  operation op;
  op.client = who.number;
  op.key = static_cast<std::uint32_t>(who.below(mix.keys));
  const auto name = register_name(op.key);
  auto draw = who.below(mix.put + mix.conditional + mix.get + mix.list + mix.remove);
  api_call call;
  bool list = false;
  if (draw < mix.put + mix.conditional) {
    const bool conditional = draw >= mix.put;
    op.value = next_value_++;
    op.expected = who.last_seen[op.key];
    if (op.expected == 0) { // create: a conditional put on absence
      op.kind = op_kind::conditional_put;
      call = {"POST", "/api/v3/profiles", profile(name, op.value), "", {}};
    } else if (conditional) {
      op.kind = op_kind::conditional_put;
      call = {"PATCH",
              profile_path(name),
              R"([{"op":"test","path":"/Description","value":")" + std::to_string(op.expected) +
                  R"("},{"op":"replace","path":"/Description","value":")" + std::to_string(op.value) + "\"}]",
              "",
              {}};
    } else {
      op.kind = op_kind::put;
      call = {"PUT", profile_path(name), profile(name, op.value), "", {}};
    }
  } else if (draw < mix.put + mix.conditional + mix.get + mix.list) {
    list = draw >= mix.put + mix.conditional + mix.get;
    op.kind = op_kind::get;
    call = {"GET", list ? "/api/v3/profiles" : profile_path(name), "", "", {}};
  } else {
    op.kind = op_kind::remove;
    call = {"DELETE", profile_path(name), "", "", {}};
  }
  op.called = now_ns();
  const auto got = co_await send(who, call);
  const auto returned = now_ns();
  const bool read = op.kind == op_kind::get;
  op.outcome = classify_write(got.seen);
  if (read && got.seen.answered && got.seen.status == 404)
    op.outcome = op_outcome::ok;
  if (op.outcome != op_outcome::unknown)
    op.returned = returned;
  op.note = got.trouble;
  note({op.called, returned, !read, op.outcome, got.failed});
  if (read && op.outcome != op_outcome::ok)
    co_return; // says nothing about the register
  if (list) {
    record_list(op, got.body);
    co_return;
  }
  if (read && got.seen.status != 404)
    op.value = number_of(member_of(got.body, "Description").value_or(""));
  if (op.outcome == op_outcome::ok)
    who.last_seen[op.key] = op.kind == op_kind::remove ? 0 : op.value;
  else if (got.seen.answered && got.seen.status == 404)
    who.last_seen[op.key] = 0;
  else if (got.seen.answered && got.seen.status == 409)
    who.last_seen[op.key] =
        1 + who.below(next_value_); // exists: the next put replaces, a get will tell the value
  record_.registers.push_back(std::move(op));
}

asio::awaitable<void> workload::run_adder(unsigned number, bool to_list) {
  client who{number, std::mt19937_64{seed_ * 1000003 + number}, hint_ - 1, now_ns(), {}};
  const auto& spec = to_list ? what_.append : what_.set;
  while (!stopping_) {
    co_await pace(who, spec.clients, spec.rate);
    addition one;
    one.id = next_value_++;
    const auto id = std::to_string(one.id);
    api_call call;
    if (to_list)
      call = {"PATCH",
              profile_path(list_prefix + std::to_string(who.below(lists()))),
              R"([{"op":"add","path":"/Params/log/-","value":)" + id + "}]",
              "chaos-" + id,
              {}};
    else
      call = {"POST",
              "/api/v3/params",
              R"({"Name":")" + (set_prefix + id) + R"(","Description":")" + id + "\"}",
              "chaos-" + id,
              {}};
    one.called = now_ns();
    one.attempts = 0;
    // Retried under its key until it is decided, and one in eight asked once more when it is.
    bool again = who.below(8) == 0;
    for (;;) {
      const auto called = now_ns();
      const auto got = co_await send(who, call);
      ++one.attempts;
      const auto outcome = classify_write(got.seen);
      note({called, now_ns(), true, outcome, got.failed});
      one.contradicted = one.contradicted || (!to_list && one.outcome == op_outcome::ok && one.attempts > 1 &&
                                              got.seen.answered && got.seen.status == 409);
      // Once unknown or done, a later "not done" of a retry does not take it back.
      if (outcome == op_outcome::ok || one.attempts == 1 || one.outcome == op_outcome::refused)
        one.outcome = outcome;
      one.note = got.trouble;
      if (outcome == op_outcome::ok && !again)
        break;
      if (outcome == op_outcome::ok)
        again = false;
      else if (stopping_ || (got.seen.answered && got.seen.status >= 400 && got.seen.status < 500))
        break;
    }
    one.returned = now_ns();
    (to_list ? record_.appended : record_.set).push_back(std::move(one));
  }
}

asio::awaitable<void> workload::read_all(member& from) {
  operation op;
  op.client = 1'000'000;
  op.kind = op_kind::get;
  op.called = now_ns();
  const auto got = co_await cluster_.ask(from, "GET", "/api/v3/profiles", "", 20s);
  if (!got.ok())
    throw std::runtime_error("the final read failed: " + got.text());
  op.returned = now_ns();
  op.outcome = op_outcome::ok;
  op.note = "final read of member " + std::to_string(from.number);
  record_list(op, got.body);
}

} // namespace holdfast::chaos
