// Where map roots go that nobody reads any more. Freeing the last reference to 100,000 objects at once would
// take tens of milliseconds; here it is done a few nodes at a time by whoever has a moment. Thread safe: any
// thread may bury, any thread may step.
#pragma once

#include "actors/replay/store_state.hpp"

#include <cstddef>
#include <mutex>
#include <vector>

namespace holdfast::replay {

class graveyard {
public:
  /// Takes the maps of a state nobody will read again. At most `direct_nodes` map nodes are freed by this
  /// call; the rest waits for step().
  void bury(store_state&& state);

  /// Frees up to `nodes` map nodes; true: more is waiting.
  bool step(std::size_t nodes);

  static constexpr std::size_t direct_nodes = 32;

private:
  std::mutex mutex_;
  std::vector<pmap::remains<pmap::shared_string, msg::object_ref>> dead_;
};

} // namespace holdfast::replay
