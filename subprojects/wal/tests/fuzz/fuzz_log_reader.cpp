// Any bytes as log.0: recovery, reads and the offline check stay in bounds, serve only entries whose chain
// holds, and a discard always leads back to a sound log.
#include "fake_file_system.hpp"
#include "little_endian.hpp"
#include "log_format.hpp"
#include "seeds.hpp"
#include "wal/crc32c.hpp"
#include "wal/log.hpp"
#include "wal/verify.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace holdfast::wal;

namespace {

log_options options() {
  log_options o;
  o.small_step_bytes = 4096;
  o.large_step_bytes = 16384;
  o.spare_bytes = 512;
  o.max_payload_bytes = 8192;
  o.max_unsynced_bytes = 16384;
  return o;
}

log_header header() {
  return {{}, {}, {}, {}, 4096, 16384, 512};
}

void require(bool holds, int line = __builtin_LINE()) {
  if (holds)
    return;
  std::fprintf(stderr, "line %d does not hold\n", line);
  std::abort();
}

/// Repairs the header checks of records, so that a mutation reaches what lies behind them.
void repair(bytes& data) {
  const auto crc = crc_of_log_header(header());
  for (std::size_t at = log_header_bytes; at + frame_header_bytes <= data.size(); at += 8)
    if (data[at + 6] == std::byte{0x48} && data[at + 7] == std::byte{0x52})
      le::put(std::span(data), at + 24, crc32c(byte_view(data).subspan(at, 24), crc));
}

void try_reading(bytes data, std::uint64_t hint) {
  test::fake_file_system fs;
  { require(log::open(fs, "wal", options(), {}).ok()); }
  fs.set_content("wal/log.0", std::move(data));
  auto made = log::open(fs, "wal", options(), {{hint}, {1}});
  require(made.ok());
  auto& target = *made->instance;
  for (auto next = target.first_index(); next <= target.last_index();) {
    const auto got = target.read(next, 4096);
    require(got.ok() && !got->empty() && got->front().index == next);
    next = {got->back().index.value + 1};
  }
  require(target.chain_at(target.last_index()).ok());
  require(target.discard_damage().ok());
  require(verify_directory(fs, "wal", {})->sound());
  const record_view more{{target.last_index().value + 1}, target.last_term(), 1, false, {}};
  require(target.append({&more, 1}).ok());
  require(target.sync().ok());
  require(log::open(fs, "wal", options(), {})->instance->last_index() == more.index);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes raw(size);
  std::transform(data, data + size, raw.begin(), [](std::uint8_t b) { return std::byte{b}; });
  const std::uint64_t hint = size == 0 ? 0 : data[size / 2] % 8;
  try_reading(raw, hint);
  auto with_header = encode_log_header(header());
  if (raw.size() > log_header_bytes)
    with_header.insert(with_header.end(), raw.begin() + log_header_bytes, raw.end());
  try_reading(with_header, hint);
  repair(with_header);
  try_reading(with_header, hint);
  return 0;
}

std::vector<std::vector<std::uint8_t>> fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::size_t count : {0U, 1U, 5U, 30U}) {
    auto data = encode_log_header(header());
    chain_value chain;
    for (std::size_t i = 1; i <= count; ++i) {
      const bytes payload(i * 13, std::byte{0x33});
      chain =
          encode_frame(data, {{i}, {1 + i / 10}, 1, i == 30, payload}, crc_of_log_header(header()), chain);
    }
    data.resize(data.size() + 700);
    auto& out = all.emplace_back(data.size());
    std::transform(data.begin(), data.end(), out.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  }
  return all;
}
