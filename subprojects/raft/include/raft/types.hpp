// The value types of the consensus core. Terms, indices, ids, times and sizes are types of their own, so that
// none can be passed where another is meant. Times are steady microseconds since a start the host chooses;
// the core never asks a clock.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::raft {

/// 128 bits, written as a UUID. `Tag` keeps node ids and cluster ids apart. All zero means "none".
template <class Tag>
struct uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const uuid&) const = default;
  [[nodiscard]] bool is_nil() const { return high == 0 && low == 0; }
};
using node_id = uuid<struct node_tag>;
using cluster_id = uuid<struct cluster_tag>;

/// Lower-case 8-4-4-4-12 form, always 36 characters.
[[nodiscard]] std::string to_string(node_id id);
[[nodiscard]] std::string to_string(cluster_id id);
/// Accepts the 8-4-4-4-12 form in either case; anything else is nullopt.
[[nodiscard]] std::optional<node_id> parse_node_id(std::string_view text);
[[nodiscard]] std::optional<cluster_id> parse_cluster_id(std::string_view text);

struct term_t {
  std::uint64_t value = 0;
  auto operator<=>(const term_t&) const = default;
  [[nodiscard]] term_t next() const { return {value + 1}; }
};

/// Position in the log. The first entry has index 1; 0 is "before the log".
struct index_t {
  std::uint64_t value = 0;
  auto operator<=>(const index_t&) const = default;
  [[nodiscard]] index_t next() const { return {value + 1}; }
  [[nodiscard]] index_t previous() const { return {value == 0 ? 0 : value - 1}; }
};

using duration = std::chrono::microseconds;

/// A reading of the node's steady clock. Readings of two nodes are never compared.
struct instant {
  std::int64_t us = 0;
  auto operator<=>(const instant&) const = default;
  friend instant operator+(instant t, duration d) { return {t.us + d.count()}; }
  friend instant operator-(instant t, duration d) { return {t.us - d.count()}; }
  friend duration operator-(instant a, instant b) { return duration{a.us - b.us}; }
};

struct byte_count {
  std::uint64_t value = 0;
  auto operator<=>(const byte_count&) const = default;
};

/// Who asked; chosen by the host, handed back untouched, never sent over the wire.
using context_id = std::uint64_t;

using payload_ptr = std::shared_ptr<const std::string>;

/// Kinds 1 and 2 belong to the core, 3..15 are kept for it (an unknown one is fatal, never skipped), 16 and
/// above are the application's and opaque here.
using entry_kind = std::uint8_t;
inline constexpr entry_kind kind_noop = 1;
inline constexpr entry_kind kind_config = 2;
inline constexpr entry_kind first_application_kind = 16;

struct entry {
  term_t term;
  index_t index;
  entry_kind kind = kind_noop;
  payload_ptr payload; ///< null counts as empty
};

[[nodiscard]] inline std::size_t payload_size(const entry& e) {
  return e.payload ? e.payload->size() : 0;
}

/// What must survive a restart besides the log. `recovering` is set by the host when it found rot before its
/// synced-index hint and cut the log there; the core clears it (WAL-07, architecture §4).
struct hard_state {
  term_t term;
  node_id vote; ///< nil: no vote given in this term
  bool recovering = false;
  bool operator==(const hard_state&) const = default;
};

/// Names the bytes of one snapshot. Equal ids mean equal bytes, so that an interrupted transfer may resume,
/// even from another leader.
struct snapshot_id {
  std::uint64_t value = 0;
  auto operator<=>(const snapshot_id&) const = default;
};

} // namespace holdfast::raft

template <class Tag>
struct std::hash<holdfast::raft::uuid<Tag>> {
  std::size_t operator()(const holdfast::raft::uuid<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.high ^ (id.low * 0x9E3779B97F4A7C15ULL));
  }
};
