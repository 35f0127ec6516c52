#include "sim/log_image.hpp"

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

std::uint64_t chain_of(std::uint64_t before, const entry& e) {
  auto hash = chain64(before, e.term.value << 8 | e.kind);
  if (!e.payload)
    return hash;
  std::uint64_t word = 0;
  std::size_t filled = 0;
  for (const char c : *e.payload) {
    word = word << 8 | static_cast<unsigned char>(c);
    if (++filled % 8 == 0)
      hash = chain64(hash, word);
  }
  return filled % 8 == 0 ? hash : chain64(hash, word ^ filled);
}

void log_image::append(const entry& e) {
  if (e.index != last().next())
    throw violation{"persist order", "entry " + std::to_string(e.index.value) + " does not follow " +
                                         std::to_string(last().value)};
  const auto before = records_.empty() ? base_chain_ : records_.back().chain;
  records_.push_back({e, chain_of(before, e)});
}

void log_image::truncate_from(index_t from) {
  if (from <= base_)
    throw violation{"persist order", "truncation at " + std::to_string(from.value) + " below the log's base"};
  if (from <= last())
    records_.resize(from.value - base_.value - 1);
}

void log_image::compact_to(index_t upto) {
  if (upto <= base_)
    return;
  assert(upto <= last());
  const auto drop = upto.value - base_.value;
  base_term_ = records_[drop - 1].content.term;
  base_chain_ = records_[drop - 1].chain;
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(drop));
  base_ = upto;
}

void log_image::reset(index_t base, term_t term, std::uint64_t chain) {
  records_.clear();
  base_ = base;
  base_term_ = term;
  base_chain_ = chain;
}

std::optional<std::uint64_t> log_image::chain_at(index_t index) const {
  if (index < base_ || index > last())
    return std::nullopt;
  return index == base_ ? base_chain_ : records_[index.value - base_.value - 1].chain;
}

const entry& log_image::at(index_t index) const {
  assert(index > base_ && index <= last());
  return records_[index.value - base_.value - 1].content;
}

} // namespace holdfast::raft::sim
