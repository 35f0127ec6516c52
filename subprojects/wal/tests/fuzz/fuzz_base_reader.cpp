// Any bytes as a base file, whole or half received: bounded, and what is handed out carries its checksums.
#include "fake_file_system.hpp"
#include "little_endian.hpp"
#include "seeds.hpp"
#include "wal/base_file.hpp"
#include "wal/crc32c.hpp"
#include "wal/log.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast::wal;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

void read_all(test::fake_file_system& fs, const bytes& data) {
  fs.set_content("wal/base.1", data);
  auto reader = base_reader::open(fs, "wal/base.1");
  if (!reader)
    return;
  std::uint32_t crc = 0;
  std::uint64_t length = 0;
  for (;;) {
    const auto part = reader->next();
    if (!part)
      return;
    if (part->empty())
      break;
    crc = crc32c(*part, crc);
    length += part->size();
  }
  require(crc == reader->info().payload_crc && length == reader->info().payload_bytes);
  bytes raw;
  for (auto part = reader->read_raw(0, 1000); part.ok() && !part->empty();
       part = reader->read_raw(raw.size(), 1000))
    raw.insert(raw.end(), part->begin(), part->end());
  require(raw == data);
}

void receive(test::fake_file_system& fs, const bytes& data) {
  if (data.size() < base_header_bytes)
    return;
  log_options small;
  small.small_step_bytes = 4096;
  auto made = log::open(fs, "wal", small, {});
  require(made.ok());
  auto receiver = made->instance->begin_install({1}, data.size());
  require(receiver.ok());
  require((*receiver)->write(0, byte_view(data).first(data.size() / 2)).ok());
  receiver = made->instance->begin_install({1}, data.size());
  require(receiver.ok());
  const auto at = (*receiver)->offset();
  require(at <= data.size() / 2);
  require((*receiver)->write(at, byte_view(data).subspan(at)).ok());
  if (made->instance->commit_install(std::move(*receiver)))
    require(fs.content("wal/base.1") == data);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes raw(size);
  std::transform(data, data + size, raw.begin(), [](std::uint8_t b) { return std::byte{b}; });
  (void)decode_base_header(raw);
  test::fake_file_system fs;
  read_all(fs, raw);
  fs.remove("wal/base.1");
  if (raw.size() >= base_header_bytes) {
    le::put(std::span(raw), 60, crc32c(byte_view(raw).first(60)));
    read_all(fs, raw);
    fs.remove("wal/base.1");
    receive(fs, raw);
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::size_t size : {0U, 10U, 3000U, 70000U}) {
    test::fake_file_system fs;
    auto out = fs.open("wal/base.1", open_mode::create);
    base_info info;
    info.gen = {1};
    info.index = {17};
    info.term = {2};
    base_writer writer(std::move(*out), "wal/base.1", info);
    require(writer.write(bytes(size, std::byte{0x61})).ok() && writer.finish().ok());
    const auto data = fs.content("wal/base.1");
    auto& seed = all.emplace_back(data.size());
    std::transform(data.begin(), data.end(), seed.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  }
  return all;
}
