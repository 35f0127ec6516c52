// What a reader asks of the store and what it is handed; apart from the actors' interfaces so that pure code
// can name them without CAF.
#pragma once

#include "messages/object_view.hpp"

#include <cstdint>
#include <string>

namespace holdfast::msg {

/// linear: a ReadIndex round proves leadership first. local: whatever this node has applied.
enum class consistency : std::uint8_t { linear, local };

/// What a read hands out: a view, or the reason why there is none (no leader, not serving, too old).
struct read_result {
  view_ptr view;
  std::string reason;
};

} // namespace holdfast::msg
