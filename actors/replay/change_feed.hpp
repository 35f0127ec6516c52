// Who is told about applied changes, and how far they have been told. It outlives the replay actor: a
// subscriber keeps its subscription over a restart, and what is replayed then is not told twice. Event loop
// only.
#pragma once

#include "messages/actors.hpp"
#include "messages/view_slot.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace holdfast::replay {

struct change_feed {
  /// A second subscription of the same actor changes nothing.
  void subscribe(const caf::actor_addr& subscriber) {
    if (std::find(subscribers.begin(), subscribers.end(), subscriber) == subscribers.end())
      subscribers.push_back(subscriber);
  }

  /// Null: changes were missed, whatever was derived from the state is to be looked up anew.
  void tell(const msg::changes_ptr& batch) {
    std::erase_if(subscribers, [&](const caf::actor_addr& address) {
      const auto subscriber = caf::actor_cast<caf::actor>(address);
      if (!subscriber)
        return true;
      caf::anon_send(subscriber, msg::changes_atom::value, batch);
      return false;
    });
  }

  msg::view_slot_ptr local_view = std::make_shared<msg::view_slot>();
  std::vector<caf::actor_addr> subscribers; ///< weak: the feed keeps nobody alive
  std::optional<std::uint64_t> told; ///< log index; what was on disk when the process began is old news
};

} // namespace holdfast::replay
