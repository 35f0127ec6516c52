// ETags and long polling (contract §3.7, RFC 9110 §8.8.3, RFC 7240). Pure.
#pragma once

#include "messages/transaction.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api {

inline constexpr std::chrono::minutes longest_wait{10};

/// The entity tag of a revision, quotes included.
[[nodiscard]] std::string etag_of(msg::revision rev);

/// True when an If-None-Match value names the tag; knows lists, weak tags and `*`.
[[nodiscard]] bool etag_matches(std::string_view if_none_match, std::string_view etag);

/// The `wait` preference of a Prefer header, at most longest_wait: a number with an optional unit (ms, s, m,
/// h), seconds by default. Nothing when there is none or it cannot be read.
[[nodiscard]] std::optional<std::chrono::milliseconds> preferred_wait(std::string_view prefer);

} // namespace holdfast::api
