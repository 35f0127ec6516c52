// Costs of the API's pure parts on an ordinary object: JSON, a planned write, a patch, a filtered list, the
// codec of transactions.
#include "actors/api/filters.hpp"
#include "actors/api/json_patch.hpp"
#include "actors/api/object_list.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/replay/object_store.hpp"
#include "messages/transaction_codec.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>

using namespace holdfast;
using namespace holdfast::api;

namespace {

const prefix_desc& profiles() {
  return *find_prefix("profiles");
}

std::string body_of(std::uint64_t number) {
  return R"({"Name":"bench-)" + std::to_string(number) + R"(","Description":")" + std::string(64, 'x') +
         "\"}";
}

write_request request_of(std::uint64_t number, std::string body) {
  write_request request;
  request.desc = &profiles();
  request.key = "bench-" + std::to_string(number);
  request.method = "PUT";
  request.body = std::move(body);
  return request;
}

replay::object_store& store_of(std::uint64_t count) {
  static replay::object_store store;
  while (store.applied_index() < count) {
    auto request = request_of(store.applied_index(), body_of(store.applied_index()));
    request.key.clear();
    auto plan = plan_create(store.view(), request);
    store.apply(store.applied_index() + 1, std::move(plan.tx));
  }
  return store;
}

void parse_object(benchmark::State& state) {
  const auto text = store_of(1).view()->get("profiles", "bench-0")->json;
  for (auto _ : state) {
    json::document doc;
    benchmark::DoNotOptimize(json::parse(text, doc));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_object);

void plan_one_replace(benchmark::State& state) {
  const auto view = store_of(1000).view();
  auto body = body_of(7);
  body.replace(body.size() - 4, 2, "yy");
  const auto request = request_of(7, body);
  for (auto _ : state)
    benchmark::DoNotOptimize(plan_replace(view, request));
}
BENCHMARK(plan_one_replace);

void patch_object(benchmark::State& state) {
  const auto text = store_of(1).view()->get("profiles", "bench-0")->json;
  for (auto _ : state) {
    json::document body, target;
    if (json::parse(R"([{"op":"test","path":"/Name","value":"bench-0"},
                        {"op":"replace","path":"/Description","value":"other"}])",
                    body) ||
        json::parse(text, target))
      std::abort();
    auto decoded = decode_patch(body);
    if (apply_patch(std::get<0>(decoded), target, target.GetAllocator()))
      std::abort();
    benchmark::DoNotOptimize(json::compact(target));
  }
}
BENCHMARK(patch_object);

/// Argument: 0 no filter, 1 a filter that few objects pass.
void list_objects(benchmark::State& state) {
  const auto view = store_of(10'000).view();
  const std::vector<std::pair<std::string, std::string>> few{{"Name", "Re(^bench-.*77$)"}};
  const std::vector<std::pair<std::string, std::string>> none;
  const auto no_param = [](std::string_view) { return false; };
  for (auto _ : state) {
    auto query = parse_list_query(profiles(), state.range(0) != 0 ? few : none, "GET", no_param);
    list_maker maker(view, profiles(), std::get<list_query>(std::move(query)), {});
    while (!maker.step(256)) {
    }
    benchmark::DoNotOptimize(maker.take());
  }
}
BENCHMARK(list_objects)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void encode_transaction(benchmark::State& state) {
  auto body = body_of(7);
  body.replace(body.size() - 4, 2, "yy");
  const auto plan = plan_replace(store_of(1000).view(), request_of(7, body));
  for (auto _ : state) {
    msg::byte_buffer bytes;
    benchmark::DoNotOptimize(msg::encode(plan.tx, bytes));
  }
}
BENCHMARK(encode_transaction);

void decode_one_transaction(benchmark::State& state) {
  msg::byte_buffer bytes;
  auto body = body_of(7);
  body.replace(body.size() - 4, 2, "yy");
  if (msg::encode(plan_replace(store_of(1000).view(), request_of(7, body)).tx, bytes) !=
      msg::codec_error::none)
    std::abort();
  for (auto _ : state)
    benchmark::DoNotOptimize(msg::decode_transaction(bytes));
}
BENCHMARK(decode_one_transaction);

} // namespace

BENCHMARK_MAIN();
