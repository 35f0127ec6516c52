// Short hands for tests of the object store.
#pragma once

#include "actors/replay/object_store.hpp"
#include "actors/replay/snapshot_codec.hpp"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace holdfast::replay::testing {

inline msg::transaction put(std::string prefix, std::string key, std::string json) {
  msg::transaction tx;
  tx.principal = "tester";
  tx.time = {1'000};
  tx.mutations.push_back({std::move(prefix), std::move(key), std::move(json)});
  return tx;
}

inline msg::transaction remove(std::string prefix, std::string key) {
  msg::transaction tx;
  tx.time = {1'000};
  tx.mutations.push_back({std::move(prefix), std::move(key), std::nullopt});
  return tx;
}

inline msg::transaction keyed(std::string idempotency_key, std::string body, std::int64_t time_ms) {
  msg::transaction tx = put("things", idempotency_key, "{}");
  tx.idempotency_key = std::move(idempotency_key);
  tx.time = {time_ms};
  tx.answer = {201, std::move(body)};
  return tx;
}

inline msg::byte_buffer snapshot_bytes(const store_state& state, std::size_t chunk = 256U << 10U) {
  msg::byte_buffer all;
  const auto written = write_snapshot(
      state,
      [&all](msg::byte_view part) {
        all.insert(all.end(), part.begin(), part.end());
        return true;
      },
      chunk);
  return written == all.size() ? all : msg::byte_buffer{};
}

/// A state read back from a snapshot, or nothing.
inline std::optional<store_state> read_back(msg::byte_view bytes, std::size_t chunk = 256U << 10U) {
  snapshot_reader reader;
  auto status = snapshot_reader::status::more;
  while (!bytes.empty() && status == snapshot_reader::status::more) {
    const std::size_t size = std::min(chunk, bytes.size());
    status = reader.feed(bytes.first(size));
    bytes = bytes.subspan(size);
  }
  if (status != snapshot_reader::status::done || !bytes.empty())
    return std::nullopt;
  return reader.take();
}

/// A transaction such as many clients would send, made from a random number.
inline msg::transaction random_transaction(std::mt19937& random, std::uint64_t index) {
  static const std::vector<std::string> prefixes{"machines", "users", "_cluster", "profiles"};
  msg::transaction tx;
  tx.principal = "user" + std::to_string(random() % 3);
  tx.time = {static_cast<std::int64_t>(index * 10 + random() % 50)};
  const auto name = [&random] {
    return std::pair{prefixes[random() % prefixes.size()], "key-" + std::to_string(random() % 300)};
  };
  for (auto i = random() % 3; i > 0; --i) {
    const auto [prefix, key] = name();
    const auto expect = static_cast<msg::expectation>(1 + random() % 3);
    tx.preconditions.push_back(
        {prefix, key, expect, {expect == msg::expectation::revision ? 1 + random() % index : 0}});
  }
  for (auto i = random() % 4; i > 0; --i) {
    const auto [prefix, key] = name();
    if (random() % 3 == 0)
      tx.mutations.push_back({prefix, key, std::nullopt});
    else
      tx.mutations.push_back({prefix, key, std::string(random() % 60, 'x')});
  }
  if (random() % 4 == 0) {
    tx.idempotency_key = "try-" + std::to_string(random() % 500);
    tx.answer = {200, "answer " + std::to_string(index)};
  }
  return tx;
}

} // namespace holdfast::replay::testing
