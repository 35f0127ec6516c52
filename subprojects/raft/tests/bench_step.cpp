// What a step costs: one entry proposed, sent to two followers, acknowledged, committed and applied, on a
// leader whose log is short and then long; and whether memory grows. Times are of the CPU, so that a busy
// machine does not count. `bench_step [entries [limit]]`: fails when memory grows, or when all the steps for
// one entry take longer than `limit` microseconds.
#include <raft/core.hpp>

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace holdfast::raft;

namespace {

class bench {
public:
  bench() : leader_{make_boot()} {
    while (!leader_.is_leader()) {
      now_ = now_ + std::chrono::milliseconds{10};
      take({now_, ev::tick{}});
      for (const node_id peer : {node_id{0, 2}, node_id{0, 3}}) {
        vote_response yes;
        yes.granted = true;
        yes.pre = leader_.current_role() == role::pre_candidate;
        yes.asked_term = yes.pre ? leader_.term().next() : leader_.term();
        take({now_, ev::receive{envelope(peer, yes)}});
        take({now_, ev::persisted{sequence_}});
      }
    }
    acknowledge();
  }

  /// Five steps: propose, two answers, persisted, applied.
  void replicate_one() {
    now_.us += 10;
    take({now_, ev::propose{1, first_application_kind, payload_}});
    acknowledge();
    if (leader_.last_index().value % 4096 == 0)
      take({now_,
            ev::snapshot_available{
                {leader_.last_index().value}, leader_.commit_index(), {1}, leader_.commit_index().next()}});
  }

  [[nodiscard]] const core& leader() const { return leader_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

private:
  static boot make_boot() {
    boot b;
    b.self = {0, 1};
    b.cluster = {1, 1};
    b.snapshot.members = make_config({{0, 1}, {0, 2}, {0, 3}});
    b.lim.log_memory_bytes = {1U << 20};
    return b;
  }
  message envelope(node_id from, message_body body) const {
    return {{1, 1}, from, {0, 1}, protocol_version, leader_.term(), std::move(body)};
  }
  void take(const event& e) {
    out_.clear();
    leader_.step(e, out_);
    ++steps_;
    sequence_ = std::max(sequence_, out_.persist.sequence);
    if (!out_.fatal.empty()) {
      std::fprintf(stderr, "fatal: %s\n", out_.fatal.c_str());
      std::exit(1);
    }
  }
  void acknowledge() {
    take({now_, ev::persisted{sequence_}});
    append_response ack;
    ack.match = leader_.last_index();
    take({now_, ev::receive{envelope({0, 2}, ack)}});
    take({now_, ev::receive{envelope({0, 3}, ack)}});
    take({now_, ev::applied{leader_.commit_index()}});
  }

  instant now_{1};
  core leader_;
  output out_;
  std::uint64_t sequence_ = 0;
  std::uint64_t steps_ = 0;
  payload_ptr payload_ = std::make_shared<const std::string>(256, 'x');
};

} // namespace

int main(int argc, char** argv) {
  const std::uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100000;
  const double limit_us = argc > 2 ? std::strtod(argv[2], nullptr) : 0;
  double slowest_us = 0;
  bench b;
  for (unsigned i = 0; i < 20000; ++i)
    b.replicate_one(); // until every buffer has its size
  const std::size_t before = mallinfo2().uordblks;
  for (unsigned part = 0; part < 4; ++part) {
    const std::uint64_t steps = b.steps();
    const auto start = std::clock();
    for (std::uint64_t i = 0; i < entries / 4; ++i)
      b.replicate_one();
    const double took_us = static_cast<double>(std::clock() - start) * 1e6 / CLOCKS_PER_SEC;
    slowest_us = std::max(slowest_us, took_us / static_cast<double>(entries / 4));
    std::printf("last %llu: %.3f us a step, %.3f us an entry to two followers\n",
                static_cast<unsigned long long>(b.leader().last_index().value),
                took_us / static_cast<double>(b.steps() - steps), took_us / static_cast<double>(entries / 4));
  }
  const std::size_t after = mallinfo2().uordblks;
  constexpr std::size_t slack = 2U << 20; // the window of recent entries breathes between compactions
  std::printf("%llu steps, heap in use %zu -> %zu bytes\n", static_cast<unsigned long long>(b.steps()),
              before, after);
  if (after > before + slack || b.leader().commit_index() != b.leader().last_index()) {
    std::printf("memory grew, or entries were not committed\n");
    return 1;
  }
  if (limit_us > 0 && slowest_us > limit_us) {
    std::printf("one entry costs more than %.1f us\n", limit_us);
    return 1;
  }
  return 0;
}
