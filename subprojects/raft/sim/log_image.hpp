// A node's log as it stands on one medium (the platter, or the page cache above it).
//
// Every record carries a running hash over all entries up to it, so that two logs are compared at any index
// in one step: equal hashes mean equal prefixes.
#pragma once

#include <raft/types.hpp>

#include "sim/random.hpp"
#include "sim/violation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::raft::sim {

/// Hash of an entry's content chained to everything before it.
std::uint64_t chain_of(std::uint64_t before, const entry& e);

class log_image {
public:
  index_t base() const { return base_; }
  term_t base_term() const { return base_term_; }
  index_t last() const { return {base_.value + records_.size()}; }
  index_t first() const { return base_.next(); }

  /// The entry must follow the last one; anything else is a broken persist request.
  void append(const entry& e);
  /// Drops `from` and all after it; `from` must be behind the base.
  void truncate_from(index_t from);
  /// Drops entries up to and including `upto` from the front.
  void compact_to(index_t upto);
  /// A snapshot took the place of everything.
  void reset(index_t base, term_t term, std::uint64_t chain);

  /// Hash of the prefix that ends at `index`; nothing outside [base, last].
  std::optional<std::uint64_t> chain_at(index_t index) const;
  bool holds(index_t index, std::uint64_t chain) const { return chain_at(index) == std::optional{chain}; }
  const entry& at(index_t index) const;

private:
  struct record {
    entry content;
    std::uint64_t chain;
  };

  index_t base_;
  term_t base_term_;
  std::uint64_t base_chain_ = 0;
  std::vector<record> records_;
};

} // namespace holdfast::raft::sim
