#include "tools/chaos/nemesis.hpp"

#include "tools/chaos/scenario_words.hpp"

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

/// Flips one bit in the middle of the newest file whose name begins so.
std::string flip_bit(const fs::path& folder, const std::string& prefix) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(prefix) &&
        (newest.empty() || entry.path().filename() > newest.filename()))
      newest = entry.path();
  }
  if (newest.empty())
    return "there is no " + prefix + " file";
  std::fstream file(newest, std::ios::in | std::ios::out | std::ios::binary);
  constexpr std::streamoff early = 200; // within the records, whatever is preallocated behind them
  file.seekg(early);
  char byte = 0;
  if (!file.get(byte))
    return newest.filename().string() + " is too short to rot";
  byte = static_cast<char>(byte ^ 0x10);
  file.seekp(early);
  file.put(byte);
  return file.flush() ? "" : "cannot write " + newest.string();
}

} // namespace

nemesis::nemesis(cluster& on, std::uint64_t seed) : cluster_(on), dice_(seed ^ 0x6e656d65736973ULL) {}

asio::awaitable<std::vector<member*>> nemesis::resolve(target who) {
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
  auto* active = co_await cluster_.find_active(2s);
  if (who.kind == target_kind::active) {
    std::vector<member*> out;
    if (active)
      out.push_back(active);
    co_return out;
  }
  std::erase_if(all, [active](auto* one) { return one == active || !one->process.running(); });
  co_return one_of(all);
}

asio::awaitable<std::string> nemesis::stop(member& one) {
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
    break;
  case action_kind::pause:
    one.process.signal(SIGSTOP);
    one.paused = true;
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

std::string nemesis::act_on_disk(const action& what, member& one) {
  const auto ballast = one.root / "ballast";
  switch (what.what) {
  case action_kind::fill: {
    std::ofstream file(ballast, std::ios::binary);
    const std::string piece(64 * 1024, 'x');
    while (file.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
    }
    return {};
  }
  case action_kind::empty:
    fs::remove(ballast);
    return {};
  case action_kind::power_cut:
    cluster_.cut_power(one);
    return {};
  case action_kind::rot:
    if (one.process.running())
      return "it runs; rot wants a stopped member";
    return flip_bit(one.root / "wal", what.word == "log" ? "log." : "base.");
  case action_kind::mend_disk:
    one.meddler.signal(SIGINT); // strace lets go and leaves its process running
    return {};
  default:
    break;
  }
  const std::string how = what.what == action_kind::fail_disk
                              ? "error=EIO"
                              : "delay_enter=" + std::to_string(what.time.count() * 1000);
  launch meddle;
  meddle.command = {"strace", "-f",
                    "-p",     std::to_string(one.process.pid()),
                    "-o",     "/dev/null",
                    "-e",     "trace=fsync,fdatasync",
                    "-e",     "inject=fsync,fdatasync:" + how};
  one.meddler.start(meddle);
  return {};
}

void nemesis::divide(const std::string& shape) {
  auto all = cluster_.enrolled();
  std::shuffle(all.begin(), all.end(), dice_);
  const auto size = all.size();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      bool sees = i == j;
      if (shape == "halves")
        sees = sees || (i < size / 2) == (j < size / 2);
      else if (shape == "ring")
        sees = sees || (i + 1) % size == j || (j + 1) % size == i;
      else // the first is the bridge between two groups
        sees = sees || i == 0 || j == 0 || (i <= size / 2) == (j <= size / 2);
      if (!sees)
        cluster_.net()->block(all[i]->number, all[j]->number);
    }
  }
}

void nemesis::act_on_network(const action& what, const std::vector<member*>& whom,
                             const std::vector<member*>& others) {
  auto& net = *cluster_.net();
  for (const auto* one : whom) {
    switch (what.what) {
    case action_kind::lose:
      net.lose(one->number, what.amount);
      break;
    case action_kind::reset:
      net.reset(one->number);
      break;
    case action_kind::cap:
      net.cap(one->number, what.amount);
      break;
    case action_kind::unplug:
      net.unplug(one->number);
      break;
    case action_kind::delay:
    case action_kind::jitter:
    case action_kind::reorder:
    case action_kind::duplicate: {
      auto rule = net.rule(one->number);
      (what.what == action_kind::delay ? rule.delay : rule.jitter) += what.time; // zero for the other two
      (what.what == action_kind::reorder ? rule.reorder : rule.duplicate) += what.amount;
      net.set_rule(one->number, rule);
      break;
    }
    default:
      for (const auto* other : others) {
        if (other == one)
          continue;
        net.block(one->number, other->number);
        if (what.what != action_kind::block)
          net.block(other->number, one->number);
      }
    }
  }
}

asio::awaitable<std::string> nemesis::hand_over() {
  auto* active = co_await cluster_.find_active(2s);
  if (!active)
    co_return "no active member";
  const auto got = co_await cluster_.ask(*active, "POST", "/api/v3/system/consensus/transfer", "{}", 10s);
  co_return got.ok() ? "" : got.text();
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
    why = act_on_disk(what, one);
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
    if (cluster_.net())
      cluster_.net()->heal();
    break;
  case partition:
    divide(what.word);
    break;
  case cut:
  case block:
  case isolate: {
    const auto others = co_await resolve(what.what == isolate ? target{target_kind::all, 0} : what.other);
    act_on_network(what, whom, others);
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
    act_on_network(what, whom, {});
    break;
  case transfer:
    why = co_await hand_over();
    break;
  case add:
    why = co_await cluster_.add();
    break;
  case vip_delete:
    for (const auto number : cluster_.net()->holders_of(cluster_.virtual_address()))
      must_run({"ip", "addr", "del", cluster_.virtual_address() + "/32", "dev", "c0"},
               cluster_.net()->space(number));
    break;
  case vip_claim:
    must_run({"ip", "addr", "replace", cluster_.virtual_address() + "/32", "dev", "br0"});
    static_cast<void>(run_command({"arping", "-c", "2", "-U", "-I", "br0", cluster_.virtual_address()}));
    must_run({"ip", "addr", "del", cluster_.virtual_address() + "/32", "dev", "br0"});
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
    whom = co_await resolve(what.who);
  timeline_event event;
  if (may_end_an_active(what.what)) {
    auto* active = co_await cluster_.find_active(0ms);
    event.harms_active = what.what == transfer || std::find(whom.begin(), whom.end(), active) != whom.end();
  }
  event.at = now_ns();
  event.what = to_text(what) + (aimed ? " [" + names(whom) + "]" : "");
  try {
    const auto why = co_await act(what, whom);
    if (!why.empty())
      event.what += ": " + why;
  } catch (const std::exception& error) {
    event.what += std::string(": ") + error.what();
  }
  co_return event;
}

asio::awaitable<void> nemesis::recover() {
  if (cluster_.net())
    cluster_.net()->heal();
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
