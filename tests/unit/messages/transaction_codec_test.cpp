#include "messages/transaction_codec.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace holdfast::msg;

namespace {

transaction full() {
  transaction tx;
  tx.idempotency_key = "try-1";
  tx.principal = "rocketskates";
  tx.time = {1'700'000'000'123};
  tx.preconditions = {{"machines", "m1", expectation::revision, {300}},
                      {"machines", "m2", expectation::absent, {}},
                      {"users", "u", expectation::exists, {}}};
  tx.mutations = {
      {"machines", "m1", R"({"Name":"m1"})"}, {"machines", "m2", ""}, {"users", "u", std::nullopt}};
  tx.answer = {201, "body"};
  return tx;
}

bool equal(const transaction& a, const transaction& b) {
  const auto same_precondition = [](const precondition& x, const precondition& y) {
    return x.prefix == y.prefix && x.key == y.key && x.expect == y.expect && x.rev == y.rev;
  };
  const auto same_mutation = [](const mutation& x, const mutation& y) {
    return x.prefix == y.prefix && x.key == y.key && x.json == y.json;
  };
  return a.idempotency_key == b.idempotency_key && a.principal == b.principal && a.time == b.time &&
         std::ranges::equal(a.preconditions, b.preconditions, same_precondition) &&
         std::ranges::equal(a.mutations, b.mutations, same_mutation) && a.answer.status == b.answer.status &&
         a.answer.body == b.answer.body;
}

byte_buffer encoded(const transaction& tx) {
  byte_buffer out;
  REQUIRE(encode(tx, out) == codec_error::none);
  return out;
}

std::string hex(byte_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto b : bytes) {
    text += digits[static_cast<unsigned>(b) / 16U];
    text += digits[static_cast<unsigned>(b) % 16U];
  }
  return text;
}

} // namespace

TEST_CASE("a transaction comes back from its encoding as it was") {
  const transaction tx = full();
  const auto decoded = decode_transaction(encoded(tx));
  REQUIRE(decoded.error == codec_error::none);
  CHECK(equal(decoded.tx, tx));

  transaction plain;
  plain.time = {std::numeric_limits<std::int64_t>::min()};
  CHECK(equal(decode_transaction(encoded(plain)).tx, plain));
}

TEST_CASE("WAL-03 the encoding of a transaction is fixed to the byte") {
  transaction tx;
  tx.idempotency_key = "k";
  tx.principal = "me";
  tx.time = {-2};
  tx.preconditions = {{"a", "b", expectation::revision, {300}}, {"a", "c", expectation::absent, {}}};
  tx.mutations = {{"a", "b", "{}"}, {"a", "c", std::nullopt}};
  tx.answer = {200, "ok"};
  CHECK(hex(encoded(tx)) == "01"     // version
                            "016b"   // key
                            "026d65" // principal
                            "03"     // time -2
                            "02"     // preconditions
                            "0161016203ac02"
                            "0161016301"
                            "02" // mutations
                            "0161016201027b7d"
                            "0161016300"
                            "c800026f6b");
}

TEST_CASE("every shortened encoding is refused as short, every longer one as trailing") {
  byte_buffer bytes = encoded(full());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_transaction(byte_view{bytes}.first(size));
    CAPTURE(size);
    REQUIRE(decoded.error == codec_error::short_input);
    REQUIRE(decoded.tx.mutations.empty());
  }
  bytes.push_back(std::byte{0});
  CHECK(decode_transaction(bytes).error == codec_error::trailing_bytes);
}

TEST_CASE("an unknown version, expectation or mutation is refused") {
  byte_buffer bytes = encoded(full());
  bytes[0] = std::byte{2};
  CHECK(decode_transaction(bytes).error == codec_error::unknown_version);

  transaction tx;
  tx.preconditions = {{"a", "b", expectation::exists, {}}};
  bytes = encoded(tx);
  bytes[bytes.size() - 2] = std::byte{9};
  CHECK(decode_transaction(bytes).error == codec_error::malformed);

  tx = {};
  tx.mutations = {{"a", "b", std::nullopt}};
  bytes = encoded(tx);
  bytes.back() = std::byte{7};
  CHECK(decode_transaction(bytes).error == codec_error::malformed);
}

TEST_CASE("numbers have one encoding: a padded varint is refused") {
  byte_buffer bytes{std::byte{1}, std::byte{0x80}, std::byte{0}};
  CHECK(decode_transaction(bytes).error == codec_error::malformed);
}

TEST_CASE("a count that the input cannot hold is refused before memory is set aside for it") {
  byte_buffer bytes;
  wire_writer w{bytes};
  w.u8(1);
  w.text("");
  w.text("");
  w.zigzag(0);
  w.varint(60'000);
  CHECK(decode_transaction(bytes).error == codec_error::short_input);
}

TEST_CASE("limits hold for both directions, and a refused encoding leaves the buffer alone") {
  transaction_limits small;
  small.operations = 2;
  small.prefix = 4;
  small.key = 4;
  small.json = 8;
  small.idempotency_key = 4;
  small.principal = 4;
  small.answer = 4;
  small.total = 40;
  const auto refused = [&small](transaction tx) {
    byte_buffer out{std::byte{42}};
    CHECK(encode(tx, out, small) == codec_error::over_limit);
    CHECK(out == byte_buffer{std::byte{42}});
    CHECK(decode_transaction(encoded(tx), small).error == codec_error::over_limit);
  };
  transaction tx;
  tx.mutations = {{"p", "1", "{}"}, {"p", "2", "{}"}, {"p", "3", "{}"}};
  refused(tx);
  tx.mutations = {{"12345", "k", "{}"}};
  refused(tx);
  tx.mutations = {{"p", "12345", "{}"}};
  refused(tx);
  tx.mutations = {{"p", "k", "123456789"}};
  refused(tx);
  tx.mutations = {{"1234", "1234", "12345678"}, {"1234", "1234", "12345678"}};
  refused(tx);
  tx = {};
  tx.principal = "12345";
  refused(tx);
  tx = {};
  tx.idempotency_key = "12345";
  refused(tx);
  tx.idempotency_key = "1";
  tx.answer.body = "12345";
  refused(tx);
}

TEST_CASE("what no decoder would accept is not encoded") {
  byte_buffer out;
  transaction tx;
  tx.answer = {200, ""};
  CHECK(encode(tx, out) == codec_error::malformed);
  tx = {};
  tx.mutations = {{"", "k", "{}"}};
  CHECK(encode(tx, out) == codec_error::malformed);
  tx.mutations = {{"p", "", "{}"}};
  CHECK(encode(tx, out) == codec_error::malformed);
  tx = {};
  tx.preconditions = {{"p", "k", expectation::revision, {0}}};
  CHECK(encode(tx, out) == codec_error::malformed);
  tx.preconditions = {{"p", "k", static_cast<expectation>(77), {1}}};
  CHECK(encode(tx, out) == codec_error::malformed);
  CHECK(out.empty());
}
