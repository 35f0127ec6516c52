#include "fixture.hpp"

#include "log_scan.hpp"

namespace holdfast::wal::test {
namespace {

scanned_log scan(fake_file_system& fs, std::uint64_t gen, const record_visitor& visit) {
  const auto name = path("log." + std::to_string(gen));
  const auto data = fs.content(name);
  const auto header = decode_log_header(data);
  REQUIRE(header.ok());
  auto in = fs.open(name, open_mode::read);
  REQUIRE(in.ok());
  return scan_log(**in, data.size(), *header, visit);
}

} // namespace

std::uint64_t place_of(fake_file_system& fs, std::uint64_t gen, std::uint64_t index) {
  std::uint64_t at = log_header_bytes;
  std::uint64_t found = 0;
  scan(fs, gen, [&](const frame_header& h) {
    if (h.index.value == index)
      found = at;
    at += frame_bytes(h.payload_bytes);
  });
  REQUIRE(found != 0);
  return found;
}

std::uint64_t end_of(fake_file_system& fs, std::uint64_t gen) {
  return scan(fs, gen, {}).end.offset;
}

} // namespace holdfast::wal::test
