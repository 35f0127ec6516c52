// The client's way of writing a span of time (contract §1.2): a number with an optional fraction and an
// optional unit ns us ms s m h d w mo y (mo = 30 days, y = 365 days), or `never` (100 years). Bare numbers
// take a default unit. Pure; any thread. Bounded and fuzzed.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace holdfast::api {

/// Nothing when the text is not of that form, is negative, or is longer than 100 years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_span(std::string_view text,
                                                                 std::chrono::nanoseconds default_unit);

} // namespace holdfast::api
