// Payloads of log entries: what decodes must encode to the very same bytes, and nothing may crash.
#include "messages/entry_kinds.hpp"
#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast::msg;

namespace {

byte_buffer encode_again(const log_command& command) {
  byte_buffer out;
  if (const auto* tx = std::get_if<transaction>(&command)) {
    if (encode(*tx, out) != codec_error::none)
      std::abort();
  } else if (const auto* cut = std::get_if<compact_mark>(&command)) {
    encode(*cut, out);
  } else if (const auto* hash = std::get_if<state_hash_mark>(&command)) {
    encode(*hash, out);
  } else if (const auto* gate = std::get_if<version_gate>(&command)) {
    encode(*gate, out);
  } else {
    encode(std::get<activation>(command), out);
  }
  return out;
}

std::vector<std::uint8_t> seed(entry_kind kind, const byte_buffer& payload) {
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(kind)};
  std::ranges::transform(payload, std::back_inserter(bytes),
                         [](std::byte b) { return static_cast<std::uint8_t>(b); });
  return bytes;
}

} // namespace

/// The first byte is the kind of the entry, the rest its payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto payload = std::as_bytes(std::span{data + 1, size - 1});
  const auto decoded = decode_entry(data[0], payload);
  if (decoded.error != codec_error::none)
    return 0;
  if (!std::ranges::equal(encode_again(decoded.command), payload))
    std::abort();
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  const auto add = [&all](entry_kind kind, const auto& payload) {
    byte_buffer bytes;
    static_cast<void>(encode(payload, bytes));
    all.push_back(seed(kind, bytes));
  };
  add(entry_kind::compact, compact_mark{3});
  add(entry_kind::state_hash, state_hash_mark{300, {1, 2}});
  add(entry_kind::version_gate, version_gate{1});
  add(entry_kind::activate, activation{{{1, 2, 3}}, 9});
  transaction tx;
  add(entry_kind::command, tx);
  tx.principal = "rocketskates";
  tx.time = {1'700'000'000'000};
  tx.preconditions = {{"machines", "m1", expectation::revision, {300}},
                      {"machines", "m2", expectation::absent, {}}};
  tx.mutations = {{"machines", "m1", R"({"Name":"m1"})"}, {"machines", "m2", std::nullopt}};
  add(entry_kind::command, tx);
  tx.idempotency_key = "again";
  tx.answer = {201, R"({"Name":"m1"})"};
  add(entry_kind::command, tx);
  return all;
}
