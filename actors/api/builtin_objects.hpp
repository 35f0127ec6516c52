// What a fresh store holds (contract §3.3): the read-only pack BasicStore, the profile `global`, the pool
// `default`. Pure.
#pragma once

#include "messages/object_view.hpp"
#include "messages/transaction.hpp"

#include <optional>

namespace holdfast::api {

/// The next transaction that brings the built-in objects into the store or up to this program's version;
/// nothing when all are there. The active asks and applies until nothing is left, before it serves; a
/// conflict means look again. Principal and time are left unset.
[[nodiscard]] std::optional<msg::transaction> plan_builtins(const msg::view_ptr& view);
/// True once a first active has brought all of them in, whatever its version was.
[[nodiscard]] bool has_builtins(const msg::object_view& view);

} // namespace holdfast::api
