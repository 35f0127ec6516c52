// What the first active puts into an empty store, as one transaction: the replicated secrets and the default
// user (contract §1.1). Pure but for random bytes and one password hash (blocking, CPU): worker thread.
#pragma once

#include "messages/object_view.hpp"
#include "messages/transaction.hpp"

#include <optional>
#include <string_view>

namespace holdfast::api {

inline constexpr std::string_view default_user = "rocketskates";
inline constexpr std::string_view default_password = "r0cketsk8ts";

/// Nothing when secrets and users are there. A conflict means that somebody else did it: look again.
[[nodiscard]] std::optional<msg::transaction> plan_bootstrap(const msg::object_view& view);

/// True while the default user still has the default password. Blocking, CPU.
[[nodiscard]] bool default_password_stands(const msg::object_view& view);

} // namespace holdfast::api
