// What the tests of the log share: small sizes, entries whose content follows from index and term, short
// verbs.
#pragma once

#include "fake_file_system.hpp"
#include "wal/log.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace holdfast::wal::test {

inline const std::string wal_dir = "wal";

inline log_options small_options() {
  log_options o;
  o.small_step_bytes = 4096;
  o.large_step_bytes = 16384;
  o.spare_bytes = 512;
  o.max_payload_bytes = 8192;
  o.max_unsynced_bytes = 16384;
  return o;
}

inline bytes bytes_of(std::string_view text) {
  bytes out(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    out[i] = static_cast<std::byte>(text[i]);
  return out;
}

/// The only payload an entry of this index and term may ever have: 20 to 320 bytes without long runs of
/// zeros.
inline bytes payload_of(std::uint64_t index, std::uint64_t term) {
  std::mt19937_64 random(index * 7919 + term);
  bytes out(20 + random() % 300);
  for (auto& b : out)
    b = static_cast<std::byte>(1 + random() % 255);
  return out;
}

struct made_entry {
  std::uint64_t index;
  std::uint64_t term;
  bool cut;
  bytes payload;

  record_view view() const { return {{index}, {term}, static_cast<std::uint8_t>(cut ? 9 : 1), cut, payload}; }
};

inline made_entry entry(std::uint64_t index, std::uint64_t term = 1, bool cut = false) {
  return {index, term, cut, payload_of(index, term)};
}

inline log::opened open_log(file_system& fs, synced_hint hint = {},
                            const log_options& options = small_options()) {
  auto out = log::open(fs, wal_dir, options, hint);
  REQUIRE_MESSAGE(out.ok(), (out.ok() ? "" : out.failure().what));
  return std::move(*out);
}

inline status append(log& target, const std::vector<made_entry>& entries, bool urgent = false) {
  std::vector<record_view> views;
  for (const auto& e : entries)
    views.push_back(e.view());
  return target.append(views, urgent);
}

/// Appends entries [first, last] of one term; `cut` says which index is a cut.
inline void fill(log& target, std::uint64_t first, std::uint64_t last, std::uint64_t term = 1,
                 std::uint64_t cut = 0) {
  for (auto i = first; i <= last; ++i)
    REQUIRE(append(target, {entry(i, term, i == cut)}).ok());
  REQUIRE(target.sync().ok());
}

inline bytes state_of(std::uint64_t gen, std::size_t size = 70000) {
  bytes out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::byte>((i * 31 + gen * 17) & 0xFF);
  return out;
}

inline void write_base(log& target, std::uint64_t gen, std::size_t size = 70000) {
  auto writer = target.begin_base({gen});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->write(state_of(gen, size)).ok());
  REQUIRE((*writer)->finish().ok());
  REQUIRE(target.commit_base(std::move(*writer)).ok());
}

inline void reclaim_all(log& target) {
  for (;;) {
    const auto more = target.reclaim_step();
    REQUIRE(more.ok());
    if (!*more)
      return;
  }
}

/// Every entry from first_index() to last_index() reads back as what was appended.
inline void check_entries(log& target) {
  auto next = target.first_index().value;
  while (next <= target.last_index().value) {
    const auto got = target.read({next}, 1000);
    REQUIRE_MESSAGE(got.ok(), (got.ok() ? "" : got.failure().what));
    REQUIRE(!got->empty());
    for (const auto& r : *got) {
      REQUIRE(r.index.value == next);
      REQUIRE(r.payload == payload_of(r.index.value, r.term.value));
      ++next;
    }
  }
}

inline std::string path(const std::string& name) {
  return wal_dir + "/" + name;
}

inline void flip_bit(fake_file_system& fs, const std::string& name, std::uint64_t byte, unsigned bit = 0) {
  auto data = fs.content(path(name));
  REQUIRE(byte < data.size());
  data[byte] ^= static_cast<std::byte>(1U << bit);
  fs.set_content(path(name), std::move(data));
}

/// Byte at which the record `index` of log.<gen> begins.
std::uint64_t place_of(fake_file_system& fs, std::uint64_t gen, std::uint64_t index);
/// Byte after the last record of log.<gen>.
std::uint64_t end_of(fake_file_system& fs, std::uint64_t gen);

/// Overwrites [from, to) with zeros.
inline void zero(fake_file_system& fs, const std::string& name, std::uint64_t from, std::uint64_t to) {
  auto data = fs.content(path(name));
  for (auto i = from; i < to && i < data.size(); ++i)
    data[i] = std::byte{0};
  fs.set_content(path(name), std::move(data));
}

} // namespace holdfast::wal::test
