// A view that can tell what it stands for in two hashes, so that members can be compared while they run
// (WAL-06).
#pragma once

#include "messages/entry_kinds.hpp"

namespace holdfast::msg {

/// Implemented by views of replicated state beside object_view; found by dynamic_cast. Any thread.
class digested_view {
public:
  virtual ~digested_view() = default;
  /// Hashes of everything applied up to the view's index and of what it led to: equal on all members at the
  /// same index.
  [[nodiscard]] virtual state_digest digest() const = 0;
};

} // namespace holdfast::msg
