// Everything that is replicated, as one value: copying it is O(1) and the copy never changes again.
#pragma once

#include "messages/entry_kinds.hpp"
#include "messages/object_view.hpp"

#include <pmap/map.hpp>
#include <pmap/shared_string.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::replay {

using object_map = pmap::map<pmap::shared_string, msg::object_ref>;

/// One prefix ("machines", or a hidden one such as "_cluster": to the store they are all alike).
struct prefix_table {
  object_map objects;
  msg::revision last_change;
};
using prefix_map = pmap::map<pmap::shared_string, prefix_table>;

/// An answer kept for repeats (C-08).
struct remembered_answer {
  std::string key;
  msg::log_time time;
  msg::stored_answer answer;

  /// What it counts against store_limits::answer_bytes.
  [[nodiscard]] std::size_t cost() const { return 128 + key.size() + answer.body.size(); }
};
using remembered_ptr = std::shared_ptr<const remembered_answer>;

/// Answers by key, and in the order of the log for expiry.
struct answer_table {
  pmap::map<pmap::shared_string, remembered_ptr> by_key;
  pmap::map<std::uint64_t, remembered_ptr> by_index;
  std::uint64_t bytes = 0;
};

/// Bounds of the answer table. They are replicated behaviour: every member must use the same ones, so they
/// are constants of the format (tests alone use others) and change only behind a version gate.
struct store_limits {
  std::size_t answer_count = 16'384;
  std::uint64_t answer_bytes = 16U << 20U;
  std::chrono::milliseconds answer_age = std::chrono::minutes{30}; ///< of log time
};

struct store_state {
  prefix_map prefixes;
  answer_table answers;
  std::uint64_t objects = 0; ///< over all prefixes
  std::uint64_t applied_index = 0;
  msg::log_time time; ///< latest log time seen; never goes back
  msg::state_digest digest;
  std::uint32_t format = 0;
  msg::activation active;
  std::uint64_t generation = 0; ///< of the last compact entry

  [[nodiscard]] const prefix_table* find_prefix(std::string_view prefix) const {
    return prefixes.find(prefix);
  }
  [[nodiscard]] const msg::object_ref* find(std::string_view prefix, std::string_view key) const {
    const prefix_table* table = find_prefix(prefix);
    return table == nullptr ? nullptr : table->objects.find(key);
  }
};

} // namespace holdfast::replay
