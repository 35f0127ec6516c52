#include <raft/progress.hpp>

#include <cassert>

namespace holdfast::raft {

void inflight_window::reset(std::uint32_t max_messages) {
  ring_.assign(max_messages, {});
  clear();
}

void inflight_window::clear() {
  head_ = 0;
  count_ = 0;
  bytes_ = {};
}

void inflight_window::add(index_t last, byte_count bytes) {
  assert(count_ < ring_.size());
  ring_[(head_ + count_) % ring_.size()] = {last, bytes};
  ++count_;
  bytes_.value += bytes.value;
}

void inflight_window::extend_newest(index_t last, byte_count more) {
  assert(count_ > 0);
  record& newest = ring_[(head_ + count_ - 1) % ring_.size()];
  assert(newest.last < last);
  newest.last = last;
  newest.bytes.value += more.value;
  bytes_.value += more.value;
}

byte_count inflight_window::newest_bytes() const {
  return count_ == 0 ? byte_count{} : ring_[(head_ + count_ - 1) % ring_.size()].bytes;
}

void inflight_window::answered(index_t match) {
  while (count_ > 0 && ring_[head_].last <= match) {
    bytes_.value -= ring_[head_].bytes.value;
    head_ = (head_ + 1) % ring_.size();
    --count_;
  }
}

const char* to_string(progress_state s) {
  switch (s) {
  case progress_state::probe:
    return "probe";
  case progress_state::replicate:
    return "replicate";
  case progress_state::snapshot:
    return "snapshot";
  }
  return "unknown";
}

void progress::become_probe() {
  state = progress_state::probe;
  next = match.next();
  probe_pending = false;
  inflight.clear();
  snapshot.reset();
}

void progress::become_replicate() {
  state = progress_state::replicate;
  next = match.next();
  probe_pending = false;
  inflight.clear();
  snapshot.reset();
}

} // namespace holdfast::raft
