#include "tools/chaos/runner.hpp"

#include "tools/chaos/json_edit.hpp"
#include "tools/chaos/leader_log.hpp"
#include "tools/chaos/nemesis.hpp"
#include "tools/chaos/scenario_words.hpp"
#include "tools/chaos/workload.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto sample_every = 200ms;
constexpr auto holder_every = 20ms;

cluster_config config_of(const scenario& what, const run_options& options) {
  cluster_config out;
  out.spec = what.cluster;
  out.daemon = what.cluster.unsafe.empty() ? options.daemon : options.unsafe_daemon;
  out.folder = options.folder;
  out.fake_clock = acts(what.steps, [](action_kind one) { return one == action_kind::clock; });
  out.own_switch = what.cluster.place == place_kind::namespaces && acts(what.steps, needs_switch);
  out.link_faults = acts(what.steps, is_network_fault);
  out.seed = options.seed;
  return out;
}

class runner {
public:
  runner(asio::io_context& io, const scenario& what, const run_options& options, run_outcome& out)
      : io_(io), what_(what), options_(options), out_(out),
        cluster_(io.get_executor(), config_of(what, options)), nemesis_(cluster_, options.seed),
        workload_(cluster_, what, out.record, options.seed) {}

  asio::awaitable<void> run() {
    co_await cluster_.form();
    first_active_ = co_await workload_.prepare();
    say("the cluster of " + std::to_string(what_.cluster.members) + " is formed");
    out_.record.load_from = now_ns();
    asio::co_spawn(io_, sample_roles(), watch("the sampler of roles"));
    if (what_.cluster.virtual_ip)
      asio::co_spawn(io_, sample_holders(), watch("the sampler of the virtual address"));
    workload_.start(io_.get_executor());
    for (const auto& one : make_plan(what_, options_.seed))
      co_await carry_out(one);
    out_.record.load_until = now_ns();
    co_await workload_.stop();
    say("the load is off, everything is healed");
    co_await nemesis_.recover();
    co_await settle();
    sampling_ = false;
    while (samplers_ > 0)
      co_await sleep_for(10ms);
    out_.record.true_clocks = !config_of(what_, options_).fake_clock;
    read_terms();
    if (!workload_.failure().empty())
      troubles_.push_back("a client failed: " + workload_.failure());
    out_.verdict = judge(what_, out_.record, states_, troubles_);
  }

private:
  std::function<void(const std::exception_ptr&)> watch(const std::string& name) {
    ++samplers_;
    return [this, name](const std::exception_ptr& error) {
      --samplers_;
      if (error)
        troubles_.push_back(name + " failed");
    };
  }

  void say(const std::string& text, bool harms = false) {
    out_.record.events.push_back({now_ns(), text, harms});
    tell(out_.record.events.back());
  }
  void tell(const timeline_event& event) const {
    if (options_.follow)
      std::fprintf(stderr, "%8.3f s  %s\n",
                   static_cast<double>(event.at - std::max(out_.record.load_from, out_.record.events[0].at)) /
                       1e9,
                   event.what.c_str());
  }

  /// A must-fail scenario.
  [[nodiscard]] bool meant_to_break() const {
    return std::any_of(what_.expectations.begin(), what_.expectations.end(),
                       [](const auto& one) { return one.kind == expectation_kind::violation; });
  }

  asio::awaitable<void> carry_out(const step& one) {
    if (one.kind == step_kind::wait) {
      co_await sleep_for(one.time);
    } else if (one.kind == step_kind::at) {
      const auto target = out_.record.load_from + one.time.count() * 1'000'000;
      co_await sleep_for(std::chrono::nanoseconds{std::max<std::int64_t>(0, target - now_ns())});
    } else if (one.kind == step_kind::until) {
      co_await wait_until(one);
    } else {
      auto what = one.act;
      what.drawn = what.drawn || meant_to_break(); // such a cluster may have nobody to be harmed
      const auto event = co_await nemesis_.perform(what);
      out_.record.events.push_back(event);
      tell(event);
      if (!event.failure.empty() && !what.drawn)
        troubles_.push_back(what_.file + ":" + std::to_string(one.line) + ": expected '" + to_text(one.act) +
                            "' to be done: " + event.failure);
    }
  }

  asio::awaitable<void> wait_until(const step& one) {
    const auto began = now_ns();
    const auto end = began + one.time.count() * 1'000'000;
    const auto before = active_;
    for (;;) {
      bool holds = false;
      if (one.condition == condition_kind::writes)
        holds = workload_.newest_acknowledged_call() > began;
      else if (one.condition == condition_kind::serving)
        holds = co_await all_serve();
      else if (one.condition == condition_kind::snapshot)
        holds = co_await all_have_snapshots();
      else if (one.condition == condition_kind::address)
        holds = co_await address_answers();
      else if (auto* active = co_await cluster_.find_active(0ms))
        holds = one.condition == condition_kind::active || active->number != before;
      if (holds)
        co_return;
      if (now_ns() > end) {
        troubles_.push_back(what_.file + ":" + std::to_string(one.line) + ": expected " +
                            std::string(word_of(one.condition)) + " within " +
                            std::to_string(one.time.count()) + " ms");
        say(troubles_.back());
        co_return;
      }
      co_await sleep_for(10ms);
    }
  }

  asio::awaitable<bool> all_serve() {
    for (auto* one : cluster_.enrolled()) {
      const auto got = co_await cluster_.ask(*one, "GET", "/health/ready", "", 1s);
      if (!got.ok())
        co_return false;
    }
    co_return true;
  }

  /// Every member keeps a state on disk and not only the log since the beginning.
  asio::awaitable<bool> all_have_snapshots() {
    constexpr std::uint64_t empty = 200; // bytes; the base a member starts with is shorter
    for (auto* one : cluster_.enrolled()) {
      const auto got = co_await cluster_.ask(*one, "GET", "/api/v3/system/consensus/verify", "", 1s);
      if (std::stoull("0" + member_of(got.body, "BaseBytes").value_or("")) <= empty)
        co_return false;
    }
    co_return true;
  }

  /// The active one is reached through the virtual address.
  asio::awaitable<bool> address_answers() {
    api_call what;
    what.target = "/health/active";
    what.time = 500ms;
    const auto got = co_await cluster_.client().call(cluster_.virtual_place(), std::move(what));
    co_return got.ok();
  }

  asio::awaitable<void> sample_roles() {
    while (sampling_) {
      for (std::size_t i = 0; i < cluster_.members().size() && sampling_; ++i) {
        auto& one = *cluster_.members()[i];
        if (!one.enrolled || one.paused || !one.process.running())
          continue;
        role_sample sample;
        sample.member = one.number;
        sample.asked = now_ns();
        const auto got = co_await cluster_.ask(one, "GET", "/health/active", "", 300ms);
        sample.answered = now_ns();
        sample.reached = got.seen.answered;
        sample.active = got.ok();
        out_.record.roles.push_back(sample);
        if (sample.active) {
          active_ = sample.member;
          workload_.hint(active_);
        }
      }
      co_await sleep_for(sample_every);
    }
  }

  asio::awaitable<void> sample_holders() {
    while (sampling_) {
      auto holders = cluster_.net()->holders_of(cluster_.virtual_address());
      out_.record.holders.push_back({now_ns(), std::move(holders)});
      co_await sleep_for(holder_every);
    }
  }

  /// Who is a member by the cluster's own word: an addition or a removal whose answer was lost may have
  /// happened.
  asio::awaitable<void> learn_members() {
    const auto patience =
        meant_to_break() ? 8s : 60s; // nobody waits for a cluster that is meant to be broken
    auto* active = co_await cluster_.find_active(patience);
    if (!active) {
      troubles_.push_back("no member became active within " + std::to_string(patience.count()) +
                          " s although all is healed");
      co_return;
    }
    const auto peers = co_await cluster_.ask(*active, "GET", "/api/v3/system/consensus/peers");
    const auto ids = column(peers.body, "ConsensusID");
    for (auto& one : cluster_.members()) {
      if (one->retired)
        continue;
      if (one->id.empty() && one->process.running()) {
        const auto id = co_await cluster_.ask(*one, "GET", "/api/v3/system/consensus/id");
        one->id = text_of(id.body);
      }
      one->enrolled = std::find(ids.begin(), ids.end(), one->id) != ids.end();
      if (!one->enrolled) {
        one->retired = true;
        one->process.kill_and_wait();
      }
    }
  }

  /// The members' wall clock and the run's steady one differ by what they do now, jumps of a scenario aside.
  void read_terms() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto ahead = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count() - now_ns();
    auto& terms = out_.record.terms;
    for (const auto& one : cluster_.members()) {
      std::ifstream in(one->log, std::ios::binary);
      const std::string log{std::istreambuf_iterator<char>(in), {}};
      for (const auto& led : leaderships(log))
        terms.push_back({led.unix_ns - ahead, one->number, led.term, led.cluster});
    }
    std::sort(terms.begin(), terms.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    if (out_.record.true_clocks)
      forget_lives_alone();
  }

  /// Before it joined, each member led a cluster of its own; only the leader under which the load began
  /// counts of that time.
  void forget_lives_alone() {
    auto& terms = out_.record.terms;
    const auto during = std::find_if(terms.begin(), terms.end(),
                                     [this](const auto& one) { return one.at >= out_.record.load_from; });
    const auto last = std::find_if(std::make_reverse_iterator(during), terms.rend(),
                                   [this](const auto& one) { return one.member == first_active_; });
    const auto kept = last == terms.rend() ? during : last.base() - 1;
    std::erase_if(terms, [&, load = out_.record.load_from,
                          start = kept == terms.end() ? term_start{} : *kept](const auto& one) {
      return one.at < load && (one.member != start.member || one.term != start.term);
    });
  }

  /// All at the same index, which stands still.
  asio::awaitable<bool> at_rest(std::string& index) {
    std::set<std::string> seen;
    for (auto* one : cluster_.enrolled()) {
      const auto got = co_await cluster_.ask(*one, "GET", "/api/v3/system/consensus/verify", "", 6s);
      seen.insert(got.ok() ? member_of(got.body, "LastIndex").value_or("?") + "/" +
                                 member_of(got.body, "Generation").value_or("?")
                           : "member " + std::to_string(one->number) + " " + got.text());
    }
    const auto now = seen.size() == 1 ? *seen.begin() : std::string();
    const bool still = !now.empty() && now == index;
    index = now;
    co_return still;
  }

  asio::awaitable<void> settle() {
    co_await learn_members();
    auto* active = co_await cluster_.find_active(1s);
    if (!active)
      co_return;
    co_await workload_.read_all(*active);
    const auto end = now_ns() + 60'000'000'000;
    std::string index;
    for (;;) {
      const bool still = co_await at_rest(index);
      if (still)
        break;
      if (now_ns() > end) {
        troubles_.push_back("the members do not come to rest at one index within 60 s");
        break;
      }
      co_await sleep_for(400ms);
    }
    for (auto* one : cluster_.enrolled())
      co_await read_back(*one, index.substr(0, index.find('/')));
    co_await read_hashes();
  }

  /// The hash of each state. A last entry of the log (a state hash) may still pass meanwhile: then once more.
  asio::awaitable<void> read_hashes() {
    for (int attempt = 0; attempt < 5; ++attempt) {
      std::set<std::string> at;
      for (auto& state : states_) {
        auto& one = *cluster_.members()[state.number - 1];
        const auto got = co_await cluster_.ask(one, "GET", "/api/v3/system/consensus/verify");
        const auto hash = member_of(got.body, "StateHash").value_or("");
        const auto index = member_of(got.body, "StateIndex").value_or("");
        at.insert(index);
        state.state = hash.empty() ? "" : hash + " at index " + index;
      }
      if (at.size() <= 1)
        co_return;
      co_await sleep_for(200ms);
    }
  }

  asio::awaitable<void> read_back(member& one, std::string index) {
    member_state state;
    state.number = one.number;
    state.wal = one.root / "wal";
    state.log = one.log;
    const auto set = co_await cluster_.ask(one, "GET", "/api/v3/params?consistency=local", "", 30s);
    const auto lists = co_await cluster_.ask(one, "GET", "/api/v3/profiles?consistency=local", "", 30s);
    const auto digest = co_await cluster_.ask(one, "GET", "/api/v3/system/consensus/verify?index=" + index);
    state.reached = set.ok() && lists.ok();
    state.chain = member_of(digest.body, "Chain").value_or("");
    for (const auto& [name, id] : named(set.body, set_prefix))
      state.set.push_back(std::stoull("0" + id));
    state.list = logged(lists.body, list_prefix);
    states_.push_back(std::move(state));
  }

  asio::io_context& io_;
  const scenario& what_;
  const run_options& options_;
  run_outcome& out_;
  cluster cluster_;
  nemesis nemesis_;
  workload workload_;
  std::vector<member_state> states_;
  std::vector<std::string> troubles_; ///< of the run itself, and what members did not do in time
  unsigned active_ = 0;
  unsigned first_active_ = 0;
  unsigned samplers_ = 0;
  bool sampling_ = true;
};

} // namespace

run_outcome run_scenario(const scenario& what, const run_options& options) {
  run_outcome out;
  out.what = what;
  out.seed = options.seed;
  try {
    asio::io_context io(1);
    asio::signal_set ended(io, SIGINT, SIGTERM);
    ended.async_wait([&](const boost::system::error_code& cancelled, int) {
      if (cancelled)
        return;
      out.error = "interrupted";
      io.stop();
    });
    // Outlives the loop's last handler: coroutines that are cut off hold references into it.
    runner run(io, what, options, out);
    asio::co_spawn(io, run.run(), [&](const std::exception_ptr& error) {
      try {
        if (error)
          std::rethrow_exception(error);
      } catch (const std::exception& why) {
        out.error = why.what();
      }
      io.stop();
    });
    io.run();
  } catch (const std::exception& why) {
    out.error = why.what();
  }
  return out;
}

} // namespace holdfast::chaos
