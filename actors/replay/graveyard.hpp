// Where map roots go that nobody reads any more. Freeing the last reference to 100,000 objects at once would
// take tens of milliseconds; here it is done a few nodes at a time by whoever has a moment. Thread safe: any
// thread may bury, any thread may step.
#pragma once

#include "actors/replay/store_state.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <variant>
#include <vector>

namespace holdfast::replay {

class graveyard {
public:
  /// Takes the maps of a state nobody will read again. At most `direct_nodes` map nodes are freed by this
  /// call; the rest waits for step(). O(1) when the state is still shared. May throw std::bad_alloc; `state`
  /// is then still whole enough to be destroyed.
  void bury(store_state&& state);

  /// Frees up to `nodes` map nodes; true: more is waiting.
  bool step(std::size_t nodes);

  static constexpr std::size_t direct_nodes = 32;

private:
  using grave = std::variant<pmap::remains<pmap::shared_string, msg::object_ref>,
                             pmap::remains<pmap::shared_string, remembered_ptr>,
                             pmap::remains<std::uint64_t, remembered_ptr>>;

  std::mutex mutex_;
  std::vector<grave> waiting_;
  std::atomic<bool> any_{false}; ///< spares the mutex in the usual case
};

} // namespace holdfast::replay
