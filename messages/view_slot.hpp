// The newest view of the store, for local readers: they need not ask `replay` each time. Empty when there is
// none. Each change takes it away; when somebody had looked at it, the next one takes its place at once.
// Event loop only; outlives restarts of replay.
#pragma once

#include "messages/object_view.hpp"

#include <memory>

namespace holdfast::msg {

struct view_slot {
  view_ptr view;
  bool asked_for = false; ///< by a reader, since the last change
};
using view_slot_ptr = std::shared_ptr<view_slot>;

} // namespace holdfast::msg
