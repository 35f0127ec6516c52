// Times as the original's Go models write them (contract §3.3): RFC 3339, no trailing zeros in fractions,
// 0001-01-01T00:00:00Z when unset. Pure: no clock.
#pragma once

#include "messages/transaction.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api {

/// A point in time: seconds since the Unix epoch (negative before it) and nanoseconds within the second.
struct instant {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;
  auto operator<=>(const instant&) const = default;
};

inline constexpr std::string_view zero_time = "0001-01-01T00:00:00Z";

/// Reads RFC 3339 with any offset; years 0000 to 9999. Nothing when the text is something else.
[[nodiscard]] std::optional<instant> parse_time(std::string_view text);
/// The same text without trailing zeros in its fraction (the offset stays as given); nothing when not a time.
[[nodiscard]] std::optional<std::string> normal_time(std::string_view text);
/// UTC text of a log time (milliseconds).
[[nodiscard]] std::string to_text(msg::log_time time);

} // namespace holdfast::api
