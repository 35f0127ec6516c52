// raft_sim: runs simulated clusters over the consensus core, from seeds.
//
//   raft_sim --seed N [--trace] [--compare]     one run; --compare runs it twice and compares the two byte
//   for byte raft_sim --seeds A..B [--compare]           all seeds of a range raft_sim --for 120s
//   [--seed-base TEXT]      fresh seeds for so long; the base is the commit, so that each commit
//                                               tries others and the same commit the same
//   raft_sim --regressions FILE                 seeds that once failed; every coverage mark must be hit
//   --jobs N                                    runs side by side (default 1)
//
// Exit code 0: no invariant was violated. 1: one was; standard error then names the seed, the step, the last
// events and the command that replays it. 2: wrong arguments.

#include "sim/run.hpp"

#include <atomic>
#include <csignal>
#include <ctime>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "sim/random.hpp"

namespace {

using namespace holdfast::raft::sim;
using wall_clock = std::chrono::steady_clock;

struct arguments {
  std::vector<std::uint64_t> seeds;
  std::optional<std::chrono::seconds> period;
  std::string seed_base = "holdfast";
  std::string program;
  unsigned jobs = 1;
  bool trace = false;
  bool compare = false;
  bool marks_required = false;
};

constexpr auto usage_line = "usage: raft_sim (--seed N | --seeds A..B | --for SECONDSs | --regressions FILE)"
                            " [--seed-base TEXT] [--jobs N] [--compare] [--trace]\n";

[[noreturn]] void usage(const std::string& wrong) {
  std::cerr << "raft_sim: " << wrong << "\n" << usage_line;
  std::exit(2);
}

std::uint64_t number(const std::string& text) {
  std::size_t used = 0;
  try {
    const auto value = std::stoull(text, &used);
    if (used == text.size())
      return value;
  } catch (const std::exception&) {
    used = 0;
  }
  usage("not a number: " + text);
}

void read_seed_file(const std::string& path, std::vector<std::uint64_t>& seeds) {
  std::ifstream file{path};
  if (!file)
    usage("cannot read " + path);
  for (std::string line; std::getline(file, line);) {
    line = line.substr(0, line.find('#'));
    std::istringstream words{line};
    for (std::string word; words >> word;)
      seeds.push_back(number(word));
  }
}

arguments parse(int argc, char** argv) {
  arguments result;
  result.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      return i + 1 < argc ? argv[++i] : (usage(name + " needs a value"), "");
    };
    if (name == "--help" || name == "-h") {
      std::cout << usage_line;
      std::exit(0);
    } else if (name == "--seed") {
      result.seeds.push_back(number(value()));
    } else if (name == "--seeds") {
      const auto range = value();
      const auto dots = range.find("..");
      if (dots == std::string::npos)
        usage("a range is written A..B");
      const auto last = number(range.substr(dots + 2));
      for (auto seed = number(range.substr(0, dots)); seed <= last; ++seed)
        result.seeds.push_back(seed);
    } else if (name == "--for") {
      auto text = value();
      if (text.ends_with('s'))
        text.pop_back();
      result.period = std::chrono::seconds{number(text)};
    } else if (name == "--regressions") {
      read_seed_file(value(), result.seeds);
      result.marks_required = true;
    } else if (name == "--seed-base") {
      result.seed_base = value();
    } else if (name == "--jobs") {
      result.jobs = static_cast<unsigned>(number(value()));
    } else if (name == "--trace") {
      result.trace = true;
    } else if (name == "--compare") {
      result.compare = true;
    } else {
      usage("unknown option " + name);
    }
  }
  if (result.seeds.empty() == !result.period.has_value())
    usage("give either seeds or a time");
  if (result.jobs == 0 || result.jobs > 64)
    usage("--jobs takes 1 to 64");
  return result;
}

std::uint64_t hash_text(const std::string& text) {
  std::uint64_t hash = text.size();
  for (const char c : text)
    hash = chain64(hash, static_cast<unsigned char>(c));
  return hash;
}

/// Hands out seeds to the workers and collects what they found.
class swarm {
public:
  explicit swarm(const arguments& args)
      : args_(args), first_fresh_(hash_text(args.seed_base) >> 24), until_(wall_clock::now()) {
    if (args.period)
      until_ += *args.period;
  }

  bool run() {
    const auto cpu_before = std::clock();
    std::vector<std::thread> workers;
    for (unsigned i = 1; i < args_.jobs; ++i)
      workers.emplace_back([this] { work(); });
    work();
    for (auto& worker : workers)
      worker.join();
    const auto cpu = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;
    report(cpu);
    return !failed_ && marks_complete();
  }

private:
  std::optional<std::uint64_t> next_seed() {
    if (failed_)
      return std::nullopt;
    const auto position = next_.fetch_add(1);
    if (!args_.period)
      return position < args_.seeds.size() ? std::optional{args_.seeds[position]} : std::nullopt;
    return wall_clock::now() < until_ ? std::optional{first_fresh_ + position} : std::nullopt;
  }

  void work() {
    while (const auto seed = next_seed()) {
      auto result = run_seed(*seed, args_.trace);
      if (!result.failed && args_.compare)
        compare(result);
      const std::lock_guard hold{mutex_};
      add(result);
    }
  }

  void compare(run_result& first) const {
    const auto second = run_seed(first.seed, false);
    if (second.trace_hash != first.trace_hash || second.events != first.events) {
      first.failed = true;
      first.failure = "determinism: two runs of the same seed differ";
    }
  }

  void add(const run_result& result) {
    ++runs_;
    events_ += result.events;
    writes_ += result.writes;
    reads_ += result.reads;
    simulated_ += result.simulated;
    marks_.add(result.marks);
    if (args_.seeds.size() == 1)
      std::cout << "seed " << result.seed << ": " << result.options << "\ntrace hash " << std::hex
                << result.trace_hash << std::dec << '\n';
    if (!result.failed)
      return;
    failed_ = true;
    std::cerr << "FAILED seed " << result.seed << " at step " << result.events << " after "
              << result.simulated.count() / 1000 << " ms\n  " << result.failure
              << "\noptions: " << result.options << "\nlast events:\n"
              << result.tail << "FAILED " << result.failure << "\nreplay: " << args_.program << " --seed "
              << result.seed << " --trace" << (args_.compare ? " --compare" : "") << '\n';
  }

  void report(double cpu) const {
    const auto seconds = static_cast<double>(simulated_.count()) / 1e6;
    std::cout << "runs " << runs_ << ", events " << events_ << ", writes " << writes_ << ", reads " << reads_
              << ", simulated " << static_cast<std::uint64_t>(seconds) << " cluster-seconds in " << cpu
              << " CPU-seconds";
    if (cpu > 0)
      std::cout << " = " << static_cast<std::uint64_t>(seconds / cpu) << " cluster-seconds per CPU-second, "
                << static_cast<std::uint64_t>(static_cast<double>(events_) / cpu) << " events/s";
    std::cout << "\nmarks\n";
    for (std::size_t i = 0; i < mark_count; ++i)
      std::cout << "  " << marks_.count(static_cast<mark>(i)) << '\t' << mark_names[i] << '\n';
  }

  bool marks_complete() const {
    if (!args_.marks_required)
      return true;
    bool complete = true;
    for (std::size_t i = 0; i < mark_count; ++i) {
      if (marks_.count(static_cast<mark>(i)) == 0) {
        std::cerr << "FAILED coverage: no run reached \"" << mark_names[i] << "\"\n";
        complete = false;
      }
    }
    return complete;
  }

  const arguments& args_;
  const std::uint64_t first_fresh_;
  wall_clock::time_point until_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::uint64_t runs_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t reads_ = 0;
  microseconds simulated_{0};
  mark_table marks_;
};

/// The core asserts its own invariants; the run that made it do so must still be named.
extern "C" void on_abort(int) {
  print_current_run();
  std::_Exit(1);
}

} // namespace

int main(int argc, char** argv) {
  const auto args = parse(argc, argv);
  std::signal(SIGABRT, on_abort);
  return swarm{args}.run() ? 0 : 1;
}
