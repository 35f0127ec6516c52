// Costs of the object store by itself: apply, read, scan, snapshot, load. Google Benchmark.
#include "actors/replay/object_store.hpp"
#include "actors/replay/snapshot_codec.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

using namespace holdfast;
using namespace holdfast::replay;

namespace {

constexpr std::uint64_t objects = 100'000;

/// Keys as machines have them: UUIDs, in no order.
std::string key_of(std::uint64_t number) {
  std::mt19937_64 random{number};
  msg::node_uid id;
  for (auto& byte : id.bytes)
    byte = static_cast<std::uint8_t>(random());
  return msg::to_string(id);
}

const std::vector<std::string>& keys() {
  static const auto made = [] {
    std::vector<std::string> all;
    for (std::uint64_t i = 0; i < objects; ++i)
      all.push_back(key_of(i));
    return all;
  }();
  return made;
}

msg::transaction put(const std::string& key, std::size_t size) {
  msg::transaction tx;
  tx.principal = "rocketskates";
  tx.time = {1'700'000'000'000};
  tx.preconditions = {{"machines", key, msg::expectation::exists, {}}};
  tx.mutations = {{"machines", key, std::string(size, 'j')}};
  return tx;
}

object_store& full_store(std::size_t size) {
  static std::map<std::size_t, object_store> stores;
  object_store& store = stores[size];
  for (std::uint64_t i = 0; store.applied_index() < objects; ++i) {
    auto tx = put(keys()[i], size);
    tx.preconditions[0].expect = msg::expectation::absent;
    store.apply(i + 1, std::move(tx));
  }
  return store;
}

/// Arguments: JSON size; 1: a fresh snapshot is taken before every write and held until after it.
void apply_one_put(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  object_store& store = full_store(size);
  std::mt19937_64 random{5};
  std::vector<msg::transaction> batch;
  for (auto _ : state) {
    if (batch.empty()) {
      state.PauseTiming();
      for (int i = 0; i < 1'000; ++i)
        batch.push_back(put(keys()[random() % objects], size));
      state.ResumeTiming();
    }
    const auto held = state.range(1) != 0 ? store.snapshot() : nullptr;
    benchmark::DoNotOptimize(store.apply(store.applied_index() + 1, std::move(batch.back())));
    batch.pop_back();
  }
}
BENCHMARK(apply_one_put)->ArgsProduct({{100, 1'024}, {0, 1}});

void read_one(benchmark::State& state) {
  object_store& store = full_store(1'024);
  const auto view = store.view();
  std::mt19937_64 random{6};
  for (auto _ : state)
    benchmark::DoNotOptimize(view->get("machines", keys()[random() % objects]));
}
BENCHMARK(read_one);

void take_snapshot(benchmark::State& state) {
  object_store& store = full_store(1'024);
  for (auto _ : state)
    benchmark::DoNotOptimize(store.snapshot());
}
BENCHMARK(take_snapshot);

void scan_all(benchmark::State& state) {
  const auto view = full_store(1'024).view();
  for (auto _ : state) {
    std::size_t bytes = 0;
    view->scan("machines", "", [&bytes](std::string_view, const msg::object_ref& object) {
      bytes += object->json.size();
      return true;
    });
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(scan_all)->Unit(benchmark::kMillisecond);

msg::byte_buffer whole_snapshot(std::size_t size) {
  msg::byte_buffer bytes;
  const auto written = write_snapshot(full_store(size).state(), [&bytes](msg::byte_view part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return true;
  });
  if (!written)
    std::abort();
  return bytes;
}

void encode_snapshot(benchmark::State& state) {
  const auto snapshot = full_store(1'024).snapshot();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        write_snapshot(snapshot->state(), [](msg::byte_view part) { return !part.empty(); }));
}
BENCHMARK(encode_snapshot)->Unit(benchmark::kMillisecond);

void load_snapshot(benchmark::State& state) {
  const auto bytes = whole_snapshot(1'024);
  for (auto _ : state) {
    snapshot_reader reader;
    msg::byte_view left = bytes;
    while (!left.empty()) {
      const auto part = left.first(std::min<std::size_t>(left.size(), 1U << 20U));
      if (reader.feed(part) == snapshot_reader::status::failed)
        std::abort();
      left = left.subspan(part.size());
    }
    auto loaded = reader.take();
    state.PauseTiming();
    loaded = {};
    state.ResumeTiming();
  }
}
BENCHMARK(load_snapshot)->Unit(benchmark::kMillisecond);

/// How long the owner is held up by one helping of reclaim(64) after a whole state was replaced.
void reclaim_one_helping(benchmark::State& state) {
  object_store store;
  bool more = false;
  for (auto _ : state) {
    if (!more) {
      state.PauseTiming();
      snapshot_reader reader;
      static const auto bytes = whole_snapshot(1'024);
      if (reader.feed(bytes) != snapshot_reader::status::done)
        std::abort();
      store.load(reader.take());
      store.load({});
      state.ResumeTiming();
    }
    more = store.reclaim(64);
  }
}
BENCHMARK(reclaim_one_helping)->Unit(benchmark::kMicrosecond)->Iterations(200);

} // namespace

BENCHMARK_MAIN();
