// The bytes on disk (WAL-02, WAL-04): a change here is a change of the format and needs a new version number.
// The checksums in the golden bytes were computed a second time by an independent program.
#include "fixture.hpp"

#include "log_format.hpp"
#include "wal/crc32c.hpp"
#include "wal/meta_pair.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

std::string hex(byte_view data) {
  static const char* digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i != 0 && i % 4 == 0)
      out += i % 32 == 0 ? '\n' : ' ';
    out += digits[std::to_integer<unsigned>(data[i]) >> 4];
    out += digits[std::to_integer<unsigned>(data[i]) & 15U];
  }
  return out;
}

} // namespace

TEST_CASE("WAL-04 crc32c gives the published values") {
  CHECK(crc32c({}) == 0);
  CHECK(crc32c(bytes_of("123456789")) == 0xE3069283U);
  CHECK(crc32c(bytes(32)) == 0x8A9136AAU);                  // RFC 3720 B.4
  CHECK(crc32c(bytes(32, std::byte{0xFF})) == 0x62A8AB43U); // RFC 3720 B.4
  CHECK(crc32c_software(bytes_of("123456789")) == 0xE3069283U);
}

TEST_CASE("WAL-04 crc32c: hardware and tables agree at every length and cut") {
  std::mt19937_64 random(7);
  for (std::size_t n = 0; n < 300; ++n) {
    bytes data(n);
    for (auto& b : data)
      b = static_cast<std::byte>(random());
    const auto whole = crc32c(data);
    CHECK(whole == crc32c_software(data));
    const auto at = n == 0 ? 0 : random() % n;
    CHECK(whole == crc32c(byte_view(data).subspan(at), crc32c(byte_view(data).first(at))));
    CHECK(whole == crc32c_software(byte_view(data).subspan(at), crc32c(byte_view(data).first(at))));
  }
}

TEST_CASE("WAL-01 WAL-02 first start makes base.0 and log.0 and nothing else") {
  fake_file_system fs;
  auto made = open_log(fs, {}, {});
  CHECK(made.report.first_start);
  CHECK(*fs.list(wal_dir) == std::vector<std::string>{"base.0", "log.0"});
  CHECK(fs.content(path("log.0")).size() == 1U << 20);
}

TEST_CASE("WAL-04 golden bytes of base.0") {
  fake_file_system fs;
  auto made = open_log(fs, {}, {});
  CHECK(hex(fs.content(path("base.0"))) ==
        "484f4c44 42415345 01000000 40000000 00000000 00000000 00000000 00000000\n"
        "00000000 00000000 00000000 00000000 00000000 00000000 00000100 22f428f4");
}

TEST_CASE("WAL-04 golden bytes of log.0 with two entries") {
  fake_file_system fs;
  auto made = open_log(fs, {}, {});
  const auto hello = bytes_of("hello");
  const record_view two[] = {{{1}, {1}, 3, false, hello}, {{2}, {4}, 9, true, {}}};
  REQUIRE(made.instance->append(two).ok());
  const auto data = fs.content(path("log.0"));
  CHECK(hex(byte_view(data).first(160)) ==
        "484f4c44 4c4f475f 01000000 40000000 00000000 00000000 00000000 00000000\n"
        "00000000 00000000 00000000 00001000 00001000 00000100 00000000 6551df89\n"
        "05000000 03004852 01000000 00000000 01000000 00000000 6cd28882 1309268e\n"
        "68656c6c 6f0000a5 00000000 09014852 02000000 00000000 04000000 00000000\n"
        "0500b6c9 0b4357aa 00000000 000000a5 00000000 00000000 00000000 00000000");
  CHECK(made.instance->chain_at({2})->value != 0);
}

TEST_CASE("WAL-04 golden bytes of a base with state") {
  fake_file_system fs;
  auto made = open_log(fs, {}, {});
  fill(*made.instance, 1, 2, 1, 2);
  auto writer = made.instance->begin_base({1});
  REQUIRE((*writer)->write(bytes_of("state")).ok());
  REQUIRE((*writer)->finish().ok());
  REQUIRE(made.instance->commit_base(std::move(*writer)).ok());
  CHECK(hex(fs.content(path("base.1"))) ==
        "484f4c44 42415345 01000000 40000000 01000000 00000000 02000000 00000000\n"
        "01000000 00000000 05000000 00000000 df68db66 ce98e7e3 00000100 4c91834c\n"
        "05000000 3516f25b 73746174 65");
}

TEST_CASE("HST-06 golden bytes of a metadata copy") {
  meta m;
  m.cluster_id = "cluster";
  m.node_id = "node";
  m.vote = "other";
  m.term = {7};
  m.hint = {{42}, {6}};
  m.host = "xyz";
  const auto image = encode_meta(m, 3);
  REQUIRE(image.size() == 512);
  CHECK(hex(byte_view(image).first(64)) ==
        "484f4c44 4d455441 01000000 00020000 03000000 00000000 07000000 00000000\n"
        "2a000000 00000000 06000000 00000000 07040500 03000000 636c7573 74657200");
  CHECK(hex(byte_view(image).last(8)) == "00000000 1dbc5db9");
}

TEST_CASE("WAL-04 records are eight-byte aligned and end in a mark") {
  for (std::size_t n = 0; n < 40; ++n) {
    bytes out;
    const bytes payload(n);
    encode_frame(out, {{1}, {1}, 0, false, payload}, 1, {2});
    CHECK(out.size() % 8 == 0);
    CHECK(out.size() == frame_bytes(n));
    CHECK(out.size() - 32 - n >= 1);
    CHECK(out.size() - 32 - n <= 8);
    CHECK(out.back() == std::byte{0xA5});
  }
}

TEST_CASE("WAL-04 headers of another version are refused") {
  log_header header{{3}, {9}, {2}, {77}, 4096, 8192, 64};
  auto data = encode_log_header(header);
  REQUIRE(*decode_log_header(data) == header);
  data[8] = std::byte{2};
  const auto crc = crc32c(byte_view(data).first(60));
  for (std::size_t i = 0; i < 4; ++i)
    data[60 + i] = static_cast<std::byte>(crc >> (8 * i));
  CHECK(decode_log_header(data).failure().kind == error_kind::corrupt);
}
