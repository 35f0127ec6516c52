// The password a fresh node has; the runner's clients use it.
#pragma once

namespace holdfast::chaos {

inline constexpr const char* api_password = "r0cketsk8ts";

} // namespace holdfast::chaos
