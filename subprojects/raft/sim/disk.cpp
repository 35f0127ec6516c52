#include "sim/disk.hpp"

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

void disk::format(stored_snapshot first) {
  *this = disk{};
  durable_.snapshot = std::move(first);
}

void disk::format_with(const entry& first) {
  *this = disk{};
  durable_.log.append(first);
  durable_.state.term = first.term;
  written_ = durable_.log;
}

void disk::apply_log(log_image& log, const disk_write& what, std::size_t entries) {
  if (what.truncate_from)
    log.truncate_from(*what.truncate_from);
  for (std::size_t i = 0; i < entries; ++i)
    log.append(what.entries[i]);
  if (what.install)
    log.reset(what.install->meta.index, what.install->meta.term, what.install->chain);
  if (what.snapshot)
    log.compact_to(std::min(what.compact_to, log.last()));
}

void disk::submit(disk_write what) {
  apply_log(written_, what, what.entries.size());
  queue_.push_back(std::move(what));
}

void disk::make_durable(const disk_write& what) {
  if (what.state)
    durable_.state = *what.state;
  apply_log(durable_.log, what, what.entries.size());
  if (what.install) {
    durable_.snapshot = *what.install;
    durable_.partial.reset();
  }
  if (what.snapshot)
    durable_.snapshot = *what.snapshot;
  const auto& log = durable_.log;
  if (what.commit > log.base() && what.commit <= log.last() && log.at(what.commit).term == what.commit_term)
    durable_.commit = what.commit;
}

disk_write disk::next_durable() {
  assert(syncing_ > 0);
  --syncing_;
  make_durable(queue_.front());
  auto done = std::move(queue_.front());
  queue_.pop_front();
  return done;
}

crash_result disk::crash(random_source& random, const disk_options& options) {
  auto result = crash_result::nothing_pending;
  if (!queue_.empty()) {
    std::size_t whole = 0;
    result = crash_result::lost_all;
    if (random.per_mille(options.keep_all_per_mille)) {
      whole = queue_.size();
      result = crash_result::kept_all;
    } else if (!random.per_mille(options.keep_none_per_mille)) {
      whole = random.below(queue_.size());
      result = crash_result::kept_part;
    }
    for (std::size_t i = 0; i < whole; ++i)
      make_durable(queue_[i]);
    if (result == crash_result::kept_part) {
      // Term and vote reach their file first; the log's records tear somewhere. A torn snapshot is no
      // snapshot.
      const auto& torn = queue_[whole];
      if (torn.state)
        durable_.state = *torn.state;
      if (!torn.install && !torn.snapshot && (torn.truncate_from || !torn.entries.empty()))
        apply_log(durable_.log, torn, random.below(torn.entries.size() + 1));
    }
  }
  queue_.clear();
  syncing_ = 0;
  written_ = durable_.log;
  return result;
}

void disk::rot(index_t index) {
  assert(index > durable_.snapshot.meta.index && index <= durable_.log.last());
  durable_.log.truncate_from(index);
  durable_.state.recovering = true;
  durable_.commit = {};
  written_ = durable_.log;
}

} // namespace holdfast::raft::sim
