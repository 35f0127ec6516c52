// Snapshots, fed in two pieces: what is accepted must be written again as the very same bytes.
#include "actors/replay/object_store.hpp"
#include "actors/replay/snapshot_codec.hpp"
#include "actors/replay/state_hash.hpp"
#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast;
using namespace holdfast::replay;

namespace {

msg::byte_buffer written(const store_state& state) {
  msg::byte_buffer bytes;
  const auto size = write_snapshot(state, [&bytes](msg::byte_view part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return true;
  });
  if (size != bytes.size())
    std::abort();
  return bytes;
}

void try_reading(msg::byte_view bytes, std::size_t first) {
  snapshot_reader reader;
  auto status = reader.feed(bytes.first(first));
  if (status == snapshot_reader::status::more)
    status = reader.feed(bytes.subspan(first));
  else if (first < bytes.size())
    return;
  if (status != snapshot_reader::status::done)
    return;
  const store_state state = reader.take();
  if (!std::ranges::equal(written(state), bytes))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  msg::byte_buffer bytes(size);
  std::ranges::transform(std::span{data, size}, bytes.begin(), [](std::uint8_t b) { return std::byte{b}; });
  const std::size_t first = size == 0 ? 0 : data[size / 2] % (size + 1);
  try_reading(bytes, first);
  // The hash at the end would stop nearly every mutation at the last step: once more with a right one.
  if (size < 8)
    return 0;
  bytes.resize(size - 8);
  stream_hash hash;
  hash.add(bytes.data(), bytes.size());
  msg::wire_writer{bytes}.u64(hash.value());
  try_reading(bytes, first);
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  object_store store;
  const auto add = [&] {
    const auto bytes = written(store.state());
    std::vector<std::uint8_t> raw(bytes.size());
    std::ranges::transform(bytes, raw.begin(), [](std::byte b) { return static_cast<std::uint8_t>(b); });
    all.push_back(std::move(raw));
  };
  add();
  for (std::uint64_t i = 1; i <= 6; ++i) {
    msg::transaction tx;
    tx.time = {static_cast<std::int64_t>(1'000 * i)};
    tx.mutations = {{i % 2 == 0 ? "machines" : "users", "key" + std::to_string(i), R"({"A":1})"}};
    if (i > 3) {
      tx.idempotency_key = "try" + std::to_string(i);
      tx.answer = {200, "{}"};
    }
    store.apply(i, std::move(tx));
    add();
  }
  return all;
}
