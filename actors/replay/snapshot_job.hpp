// The snapshot worker: writes one base on a thread of its own, so that neither the log's writer nor the event
// loop waits for it. It holds an O(1) view of the state, which delays no writer.
#pragma once

#include "actors/replay/base_payload.hpp"
#include "actors/replay/bulk_pace.hpp"
#include "actors/replay/object_store.hpp"

#include <wal/log.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::replay {

/// One base on its way. The writer goes back to the log's writer, which puts it in place.
/// How it is paced is shared with the log's writer, which sees whether anybody waits longer for it.
struct snapshot_job {
  std::unique_ptr<wal::base_writer> writer;
  snapshot_ptr state;
  std::string encoded_config;
  std::shared_ptr<bulk_pace> pace; ///< null: as fast as it goes
  /// Set by the log's writer when it ends: nobody waits for the base any more.
  std::shared_ptr<const std::atomic<bool>> called_off = std::make_shared<const std::atomic<bool>>(false);
  wal::status outcome;
};

/// Writes and syncs it all and leaves the outcome in the job. Blocking.
void run(snapshot_job& job);

} // namespace holdfast::replay
