#include "messages/entry_kinds.hpp"

#include <doctest/doctest.h>

using namespace holdfast::msg;

namespace {

template <class Payload>
void round_trip(entry_kind kind, const Payload& payload, std::size_t size) {
  byte_buffer bytes;
  encode(payload, bytes);
  CHECK(bytes.size() == size);
  const auto raw = static_cast<std::uint8_t>(kind);
  const auto decoded = decode_entry(raw, bytes);
  REQUIRE(decoded.error == codec_error::none);
  CHECK(std::get<Payload>(decoded.command) == payload);
  for (std::size_t shorter = 0; shorter < bytes.size(); ++shorter)
    CHECK(decode_entry(raw, byte_view{bytes}.first(shorter)).error == codec_error::short_input);
  bytes.push_back(std::byte{0});
  CHECK(decode_entry(raw, bytes).error == codec_error::trailing_bytes);
  bytes[0] = std::byte{2};
  CHECK(decode_entry(raw, bytes).error == codec_error::unknown_version);
}

} // namespace

TEST_CASE("every entry payload comes back as it was, and nothing shorter or longer does") {
  round_trip(entry_kind::compact, compact_mark{7}, 9);
  round_trip(entry_kind::state_hash, state_hash_mark{5, {0x1122334455667788, 0x99}}, 25);
  round_trip(entry_kind::version_gate, version_gate{3}, 5);
  activation act;
  act.node = *parse_node_uid("550e8400-e29b-41d4-a716-446655440000");
  act.epoch = 12;
  round_trip(entry_kind::activate, act, 25);
}

TEST_CASE("a command entry is a transaction") {
  transaction tx;
  tx.principal = "p";
  byte_buffer bytes;
  REQUIRE(encode(tx, bytes) == codec_error::none);
  const auto decoded = decode_entry(16, bytes);
  REQUIRE(decoded.error == codec_error::none);
  CHECK(std::get<transaction>(decoded.command).principal == "p");
}

TEST_CASE("an unknown kind is told apart from bad bytes") {
  for (const int kind : {0, 1, 15, 21, 255}) {
    CAPTURE(kind);
    const auto decoded = decode_entry(static_cast<std::uint8_t>(kind), {});
    CHECK(decoded.unknown_kind);
    CHECK(decoded.error != codec_error::none);
  }
  CHECK_FALSE(decode_entry(17, {}).unknown_kind);
}

TEST_CASE("node ids are read and printed as UUIDs") {
  const std::string text = "550e8400-e29b-41d4-a716-446655440000";
  const auto id = parse_node_uid(text);
  REQUIRE(id);
  CHECK(to_string(*id) == text);
  CHECK(id->bytes[0] == 0x55);
  CHECK(parse_node_uid("550E8400-E29B-41D4-A716-446655440000") == id);
  CHECK(node_uid{}.none());
  CHECK_FALSE(id->none());
  for (const char* bad :
       {"", "550e8400", "550e8400-e29b-41d4-a716-44665544000", "550e8400-e29b-41d4-a716-4466554400000",
        "550e8400e29b-41d4-a716-446655440000-", "g50e8400-e29b-41d4-a716-446655440000"})
    CHECK_FALSE(parse_node_uid(bad));
}
