// One heap-ordered queue drives the whole simulated world.
//
// Events at the same instant leave in the order in which they were put in, so a run depends on nothing but
// its seed. Payloads stay in a slab: the heap moves 24 bytes whatever an event carries.
#pragma once

#include "sim/clocks.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>
#include <vector>

namespace holdfast::raft::sim {

template <class Event>
class event_queue {
public:
  void push(true_time at, Event event) {
    std::uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slab_.size());
      slab_.push_back(std::move(event));
    } else {
      slot = free_.back();
      free_.pop_back();
      slab_[slot] = std::move(event);
    }
    heap_.push_back({at, next_sequence_++, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }

  true_time next_at() const {
    assert(!heap_.empty());
    return heap_.front().at;
  }

  Event pop() {
    assert(!heap_.empty());
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const auto slot = heap_.back().slot;
    heap_.pop_back();
    free_.push_back(slot);
    return std::move(slab_[slot]);
  }

private:
  struct item {
    true_time at;
    std::uint64_t sequence;
    std::uint32_t slot;
  };

  static bool later(const item& a, const item& b) {
    return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
  }

  std::vector<item> heap_;
  std::vector<Event> slab_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_sequence_ = 0;
};

} // namespace holdfast::raft::sim
