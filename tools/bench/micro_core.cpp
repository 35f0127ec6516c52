// Costs of consensus by itself: what one entry asks of a leader of three, and the messages' codec.
#include <benchmark/benchmark.h>
#include <raft/codec.hpp>
#include <raft/core.hpp>

#include <cstdlib>

using namespace holdfast::raft;

namespace {

/// A leader whose two followers answer at once.
class leading_core {
public:
  leading_core() : core_{make_boot()} {
    while (!core_.is_leader()) {
      now_ = now_ + std::chrono::milliseconds{10};
      take(ev::tick{});
      for (const node_id peer : {node_id{0, 2}, node_id{0, 3}}) {
        vote_response yes;
        yes.granted = true;
        yes.pre = core_.current_role() == role::pre_candidate;
        yes.asked_term = yes.pre ? core_.term().next() : core_.term();
        take(ev::receive{envelope(peer, yes)});
        take(ev::persisted{sequence_});
      }
    }
    acknowledge();
  }

  void propose(const payload_ptr& payload) {
    now_.us += 10;
    take(ev::propose{1, first_application_kind, payload});
  }
  void acknowledge() {
    take(ev::persisted{sequence_});
    append_response ack;
    ack.match = core_.last_index();
    take(ev::receive{envelope({0, 2}, ack)});
    take(ev::receive{envelope({0, 3}, ack)});
    take(ev::applied{core_.commit_index()});
    if (core_.commit_index() != core_.last_index())
      std::abort();
  }
  void compact() {
    const auto at = core_.commit_index();
    take(ev::snapshot_available{{at.value}, at, {1}, at.next()});
  }

private:
  static boot make_boot() {
    boot b;
    b.self = {0, 1};
    b.cluster = {1, 1};
    b.snapshot.members = make_config({{0, 1}, {0, 2}, {0, 3}});
    return b;
  }
  message envelope(node_id from, message_body body) const {
    return {{1, 1}, from, {0, 1}, protocol_version, core_.term(), std::move(body)};
  }
  template <class Event>
  void take(Event&& what) {
    out_.clear();
    core_.step({now_, std::forward<Event>(what)}, out_);
    sequence_ = std::max(sequence_, out_.persist.sequence);
    if (!out_.fatal.empty())
      std::abort();
  }

  instant now_{1};
  core core_;
  output out_;
  std::uint64_t sequence_ = 0;
};

/// Arguments: bytes of an entry, entries proposed before they are acknowledged together.
void core_replicates(benchmark::State& state) {
  leading_core leader;
  const auto payload = std::make_shared<const std::string>(static_cast<std::size_t>(state.range(0)), 'x');
  std::int64_t entries = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(1); ++i)
      leader.propose(payload);
    leader.acknowledge();
    entries += state.range(1);
    if (entries % 4096 < state.range(1)) {
      state.PauseTiming();
      leader.compact();
      state.ResumeTiming();
    }
  }
  state.SetItemsProcessed(entries);
}
BENCHMARK(core_replicates)->ArgsProduct({{256}, {1, 64}});

message append_of(std::size_t entries, std::size_t bytes) {
  append_request body;
  for (std::size_t i = 0; i < entries; ++i)
    body.entries.push_back(
        {{1}, {i + 1}, first_application_kind, std::make_shared<const std::string>(bytes, 'x')});
  return {{1, 1}, {0, 1}, {0, 2}, protocol_version, {1}, std::move(body)};
}

void encode_append(benchmark::State& state) {
  const auto sent = append_of(static_cast<std::size_t>(state.range(0)), 256);
  for (auto _ : state)
    benchmark::DoNotOptimize(encode(sent));
}
BENCHMARK(encode_append)->Arg(1)->Arg(64);

void decode_append(benchmark::State& state) {
  const auto bytes = encode(append_of(static_cast<std::size_t>(state.range(0)), 256));
  const limits bounds;
  for (auto _ : state)
    benchmark::DoNotOptimize(decode_message(bytes, bounds));
}
BENCHMARK(decode_append)->Arg(1)->Arg(64);

} // namespace

BENCHMARK_MAIN();
