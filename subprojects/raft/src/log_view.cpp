#include <raft/log_view.hpp>

#include <algorithm>
#include <cassert>

namespace holdfast::raft {
namespace {
/// What an entry costs in memory beyond its payload.
constexpr std::uint64_t entry_overhead = sizeof(entry) + 32;
std::uint64_t cost(const entry& e) {
  return payload_size(e) + entry_overhead;
}
} // namespace

void log_view::reset(index_t base, term_t base_term) {
  base_ = base;
  base_term_ = base_term;
  last_ = base;
  runs_.clear();
  window_.clear();
  window_first_ = base.next();
  bytes_ = {};
}

term_t log_view::last_term() const {
  return last_ == base_ ? base_term_ : runs_.back().term;
}

std::optional<term_t> log_view::term_at(index_t index) const {
  if (index == base_)
    return base_term_;
  if (index < base_ || index > last_)
    return std::nullopt;
  // Nearly every question is about the newest term.
  if (runs_.back().first <= index)
    return runs_.back().term;
  const auto it = std::upper_bound(runs_.begin(), runs_.end(), index,
                                   [](index_t i, const run& r) { return i < r.first; });
  assert(it != runs_.begin());
  return std::prev(it)->term;
}

index_t log_view::last_index_with_term_at_most(index_t index, term_t term) const {
  index_t at = std::min(index, last_);
  for (auto it = runs_.rbegin(); it != runs_.rend(); ++it) {
    if (it->first > at)
      continue;
    if (it->term <= term)
      return std::max(at, base_);
    at = it->first.previous();
  }
  return std::max(std::min(at, last_), base_);
}

void log_view::append(const entry& e) {
  assert(e.index == last_.next());
  assert(e.term >= last_term());
  if (runs_.empty() || runs_.back().term != e.term)
    runs_.push_back({e.index, e.term});
  last_ = e.index;
  const bool on_disk_only = !e.payload && e.kind >= first_application_kind;
  if (on_disk_only) {
    window_.clear();
    bytes_ = {};
    window_first_ = e.index.next();
    return;
  }
  bytes_.value += cost(e);
  window_.push_back(e);
}

void log_view::truncate_from(index_t index) {
  assert(index > base_);
  if (index > last_)
    return;
  last_ = index.previous();
  while (!runs_.empty() && runs_.back().first > last_)
    runs_.pop_back();
  while (!window_.empty() && window_.back().index > last_) {
    bytes_.value -= cost(window_.back());
    window_.pop_back();
  }
  window_first_ = std::min(window_first_, last_.next());
}

void log_view::compact(index_t base) {
  if (base <= base_ || base > last_)
    return;
  base_term_ = *term_at(base);
  base_ = base;
  auto keep = std::upper_bound(runs_.begin(), runs_.end(), base.next(),
                               [](index_t i, const run& r) { return i < r.first; });
  if (keep != runs_.begin())
    --keep;
  runs_.erase(runs_.begin(), keep);
  if (last_ == base_)
    runs_.clear();
  while (!window_.empty() && window_.front().index <= base) {
    bytes_.value -= cost(window_.front());
    window_.pop_front();
  }
  window_first_ = std::max(window_first_, base.next());
}

void log_view::evict(byte_count budget, index_t limit_index) {
  while (bytes_ > budget && !window_.empty() && window_.front().index <= limit_index) {
    bytes_.value -= cost(window_.front());
    window_.pop_front();
    window_first_ = window_first_.next();
  }
}

const entry& log_view::at(index_t index) const {
  assert(resident(index));
  return window_[static_cast<std::size_t>(index.value - window_first_.value)];
}

void log_view::copy(index_t first, index_t last, std::size_t max_entries, byte_count max_bytes,
                    std::vector<entry>& to) const {
  std::uint64_t bytes = 0;
  last = std::min(last, last_);
  std::size_t taken = 0;
  for (index_t i = first; i <= last && taken < max_entries; i = i.next(), ++taken) {
    const entry& e = at(i);
    bytes += payload_size(e);
    if (taken > 0 && bytes > max_bytes.value)
      return;
    to.push_back(e);
  }
}

} // namespace holdfast::raft
