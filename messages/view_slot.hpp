// The newest view of the store that some local reader was given, for the readers that come before the next
// change: they need not ask `replay` again. Empty when there is no such view. Event loop only; outlives
// restarts of replay.
#pragma once

#include "messages/object_view.hpp"

#include <memory>

namespace holdfast::msg {

struct view_slot {
  view_ptr view;
};
using view_slot_ptr = std::shared_ptr<view_slot>;

} // namespace holdfast::msg
