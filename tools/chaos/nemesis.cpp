#include "tools/chaos/nemesis.hpp"

#include "tools/chaos/disk_faults.hpp"
#include "tools/chaos/link_actions.hpp"
#include "tools/chaos/scenario_words.hpp"
#include "tools/chaos/vip_faults.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string names(const std::vector<member*>& all) {
  std::string out;
  for (const auto* one : all)
    out += (out.empty() ? "" : ",") + std::to_string(one->number);
  return out.empty() ? "nobody" : out;
}

bool may_end_an_active(action_kind what) {
  using enum action_kind;
  static constexpr action_kind all[] = {kill,    term,      pause, restart,  freeze,   unplug,
                                        isolate, power_cut, reset, transfer, fail_disk};
  return std::find(std::begin(all), std::end(all), what) != std::end(all);
}

std::vector<unsigned> numbers(const std::vector<member*>& all) {
  std::vector<unsigned> out;
  for (const auto* one : all)
    out.push_back(one->number);
  return out;
}

/// A swarm goes on when there is nobody to harm; whoever wrote a step means it.
milliseconds patience_of(const action& what) {
  return what.drawn ? 2s : 15s;
}

/// Nobody at all is an answer: all that are down, a minority of one.
bool may_be_nobody(target_kind who) {
  return who == target_kind::all || who == target_kind::down || who == target_kind::minority;
}

} // namespace

nemesis::nemesis(cluster& on, std::uint64_t seed) : cluster_(on), dice_(seed ^ 0x6e656d65736973ULL) {}

asio::awaitable<std::vector<member*>> nemesis::resolve(target who, milliseconds patience) {
  auto all = cluster_.enrolled();
  const auto one_of = [this](std::vector<member*> from) {
    std::shuffle(from.begin(), from.end(), dice_);
    from.resize(std::min<std::size_t>(from.size(), 1));
    return from;
  };
  switch (who.kind) {
  case target_kind::all:
    co_return all;
  case target_kind::member:
    std::erase_if(all, [&](const auto* one) { return one->number != who.number; });
    co_return all;
  case target_kind::any:
    co_return one_of(all);
  case target_kind::observer:
    std::erase_if(all, [](const auto* one) { return !one->observer; });
    co_return one_of(all);
  case target_kind::down:
    std::erase_if(all, [](auto* one) { return one->process.running(); });
    co_return all;
  case target_kind::minority:
    std::shuffle(all.begin(), all.end(), dice_);
    all.resize(all.empty() ? 0 : (all.size() - 1) / 2);
    co_return all;
  case target_kind::active:
  case target_kind::passive:
    break;
  }
  auto* active = co_await cluster_.find_active(patience);
  if (who.kind == target_kind::active) {
    std::vector<member*> out;
    if (active)
      out.push_back(active);
    co_return out;
  }
  std::erase_if(all, [active](auto* one) { return one == active || !one->process.running(); });
  co_return one_of(all);
}

/// Comes back once it stands still: on a busy machine the kernel takes its time.
asio::awaitable<std::string> nemesis::halt(member& one) {
  if (!one.process.running())
    co_return "it does not run";
  one.process.signal(SIGSTOP);
  one.paused = true;
  const auto end = now_ns() + 5'000'000'000;
  while (!one.process.stopped()) {
    if (now_ns() > end)
      co_return "it does not stop";
    co_await sleep_for(1ms);
  }
  co_return "";
}

asio::awaitable<std::string> nemesis::stop(member& one) {
  one.leaving = true;
  one.process.signal(SIGCONT);
  one.process.signal(SIGTERM);
  const auto end = now_ns() + 20'000'000'000;
  while (one.process.running()) {
    if (now_ns() > end) {
      one.process.kill_and_wait();
      co_return "it did not end within 20 s of SIGTERM and was killed";
    }
    co_await sleep_for(10ms);
  }
  co_return "";
}

std::string nemesis::act_on_process(const action& what, member& one) {
  switch (what.what) {
  case action_kind::kill:
    one.process.kill_and_wait();
    one.paused = false;
    one.leaving = false;
    break;
  case action_kind::resume:
    one.process.signal(SIGCONT);
    one.paused = false;
    break;
  case action_kind::start:
    if (!one.process.running())
      cluster_.start(one);
    break;
  case action_kind::freeze:
    groups_.freeze(one.number, one.process.pid());
    one.paused = true;
    break;
  case action_kind::thaw:
    groups_.thaw(one.number);
    one.paused = false;
    break;
  case action_kind::starve:
    groups_.limit(one.number, one.process.pid(), what.amount);
    break;
  default:
    groups_.unlimit(one.number);
  }
  return {};
}

asio::awaitable<std::string> nemesis::hand_over(milliseconds patience) {
  auto* active = co_await cluster_.find_active(patience);
  if (!active)
    co_return "no active member";
  const auto end = now_ns() + patience.count() * 1'000'000;
  for (;;) {
    const auto got = co_await cluster_.ask(*active, "POST", "/api/v3/system/consensus/transfer", "{}", 10s);
    constexpr unsigned try_again = 503; // nothing was done
    constexpr unsigned unknown = 504;   // the role may have moved: one of them has it
    if (got.ok() || (got.seen.status == unknown && co_await cluster_.find_active(patience) != nullptr))
      co_return "";
    if (got.seen.status != try_again || now_ns() > end)
      co_return got.text();
    co_await sleep_for(100ms);
    if (auto* now = co_await cluster_.find_active(0ms))
      active = now;
  }
}

asio::awaitable<std::string> nemesis::control_actor(const action& what, member& one) {
  const auto path = "/api/v3/system/actors/" + what.name + "/" + what.word;
  const auto got = co_await cluster_.ask(one, "POST", path, "", 5s);
  co_return got.ok() ? "" : got.text();
}

asio::awaitable<std::string> nemesis::act_on(const action& what, member& one) {
  using enum action_kind;
  std::string why;
  switch (what.what) {
  case term:
    why = co_await stop(one);
    break;
  case pause:
    why = co_await halt(one);
    break;
  case restart:
    why = co_await stop(one);
    cluster_.start(one);
    if (const bool serves = co_await cluster_.wait_serving(one, 30s); !serves)
      why += " it does not serve again";
    break;
  case remove:
    why = co_await cluster_.remove(one);
    break;
  case replace:
    why = co_await cluster_.remove(one);
    if (why.empty())
      why = co_await cluster_.add();
    break;
  case wipe:
    why = co_await cluster_.remove(one);
    if (!why.empty())
      break;
    cluster_.empty_disk(one);
    one.retired = false;
    cluster_.start(one);
    if (const bool serves = co_await cluster_.wait_serving(one, 60s); !serves)
      why = "it does not serve after its disk was emptied";
    else
      why = co_await cluster_.enrol(one);
    break;
  case actor:
    why = co_await control_actor(what, one);
    break;
  case clock: {
    std::ofstream file(one.root.string() + ".clock");
    const auto seconds = what.time.count() / 1000;
    file << (seconds < 0 ? "" : "+") << seconds << "\n";
    break;
  }
  case fill:
  case empty:
  case slow_disk:
  case fail_disk:
  case mend_disk:
  case power_cut:
  case rot:
    why = co_await act_on_disk(cluster_, what, one);
    break;
  default:
    why = act_on_process(what, one);
  }
  co_return why;
}

asio::awaitable<std::string> nemesis::act(const action& what, std::vector<member*> whom) {
  using enum action_kind;
  std::string why;
  switch (what.what) {
  case heal:
    if (cluster_.links())
      cluster_.links()->heal();
    break;
  case partition: {
    auto all = numbers(cluster_.enrolled());
    std::shuffle(all.begin(), all.end(), dice_);
    divide(*cluster_.links(), what.word, all);
    break;
  }
  case cut:
  case block:
  case isolate: {
    const auto others =
        co_await resolve(what.what == isolate ? target{target_kind::all, 0} : what.other, patience_of(what));
    if (others.empty() && !may_be_nobody(what.other.kind))
      co_return "there is no such member on the far side";
    act_on_links(*cluster_.links(), what, numbers(whom), numbers(others));
    break;
  }
  case unplug:
  case lose:
  case reset:
  case cap:
  case delay:
  case jitter:
  case reorder:
  case duplicate:
    act_on_links(*cluster_.links(), what, numbers(whom), {});
    break;
  case transfer:
    why = co_await hand_over(patience_of(what));
    break;
  case add:
    why = co_await cluster_.add();
    break;
  case vip_delete:
    why = co_await delete_address(cluster_);
    break;
  case vip_claim:
    why = co_await claim_address(cluster_);
    break;
  default:
    for (auto* one : whom) {
      const auto failed = co_await act_on(what, *one);
      if (!failed.empty())
        why += (why.empty() ? "" : "; ") + std::to_string(one->number) + ": " + failed;
    }
  }
  co_return why;
}

asio::awaitable<timeline_event> nemesis::perform(action what) {
  using enum action_kind;
  const bool aimed = word_of(what.what).form.find("WHO") != std::string_view::npos;
  std::vector<member*> whom;
  if (aimed)
    whom = co_await resolve(what.who, patience_of(what));
  timeline_event event;
  if (may_end_an_active(what.what)) {
    auto* active = co_await cluster_.find_active(0ms);
    event.harms_active = what.what == transfer || std::find(whom.begin(), whom.end(), active) != whom.end();
  }
  event.at = now_ns();
  event.what = to_text(what) + (aimed ? " [" + names(whom) + "]" : "");
  try {
    if (aimed && whom.empty() && !may_be_nobody(what.who.kind))
      event.failure = "there is no such member";
    else
      event.failure = co_await act(what, whom);
  } catch (const std::exception& error) {
    event.failure = error.what();
  }
  if (!event.failure.empty())
    event.what += ": " + event.failure;
  co_return event;
}

asio::awaitable<void> nemesis::recover() {
  if (cluster_.links())
    cluster_.links()->heal();
  for (auto* one : cluster_.enrolled()) {
    one->meddler.kill_and_wait();
    if (one->paused && cgroups::usable())
      groups_.thaw(one->number);
    one->process.signal(SIGCONT);
    one->paused = false;
    std::error_code ignored;
    fs::remove(one->root / "ballast", ignored);
  }
  for (auto* one : cluster_.enrolled()) {
    if (!one->process.running())
      cluster_.start(*one);
  }
  for (auto* one : cluster_.enrolled())
    static_cast<void>(co_await cluster_.wait_serving(*one, 10s));
}

} // namespace holdfast::chaos
