// The codec: every message type survives its bytes; damaged bytes are refused, never believed.
#include <raft/codec.hpp>

#include "samples.hpp"

#include <doctest/doctest.h>

using namespace holdfast::raft;
using namespace holdfast::raft::test;

TEST_CASE("every message type survives its bytes") {
  const limits lim;
  const auto samples = sample_messages();
  CHECK(samples.size() >= std::variant_size_v<message_body>);
  for (const message& m : samples) {
    const std::string bytes = encode(m);
    const auto back = decode_message(bytes, lim);
    REQUIRE(std::holds_alternative<message>(back));
    CHECK(std::get<message>(back).body.index() == m.body.index());
    CHECK(encode(std::get<message>(back)) == bytes);
  }
}

TEST_CASE("a message cut anywhere or with something behind it is refused") {
  const limits lim;
  for (const message& m : sample_messages()) {
    const std::string bytes = encode(m);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK(
          std::holds_alternative<decode_error>(decode_message(std::string_view{bytes}.substr(0, size), lim)));
    CHECK(std::get<decode_error>(decode_message(bytes + "x", lim)) == decode_error::trailing_bytes);
  }
}

TEST_CASE("another protocol version and unknown types are refused before the rest is read") {
  const limits lim;
  std::string bytes = encode(sample_messages().front());
  bytes[0] = 2;
  CHECK(std::get<decode_error>(decode_message(bytes, lim)) == decode_error::bad_version);
  bytes[0] = 1;
  bytes[1] = 99;
  CHECK(std::get<decode_error>(decode_message(bytes, lim)) == decode_error::bad_type);
}

TEST_CASE("counts and lengths beyond the limits are refused before anything is allocated") {
  limits lim;
  lim.max_append_entries = 1;
  message m = sample_messages().front();
  append_request request;
  request.entries = {{{1}, {1}, 16, std::make_shared<const std::string>("a")},
                     {{1}, {2}, 16, std::make_shared<const std::string>("b")}};
  m.body = request;
  CHECK(std::get<decode_error>(decode_message(encode(m), lim)) == decode_error::too_large);
  lim = limits{};
  lim.max_entry_bytes = {0};
  CHECK(std::get<decode_error>(decode_message(encode(m), lim)) == decode_error::too_large);
}

TEST_CASE("a configuration survives its bytes, and one that must not be is refused") {
  const limits lim;
  const config c = sample_config();
  CHECK(std::get<config>(decode_config(encode_config(c), lim)) == c);
  config unsorted = c;
  std::swap(unsorted.members[0], unsorted.members[1]);
  CHECK(std::get<decode_error>(decode_config(encode_config(unsorted), lim)) == decode_error::bad_value);
}
