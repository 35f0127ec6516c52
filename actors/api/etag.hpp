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

/// Empty, `*`, or a list of entity tags in quotes, each perhaps weak: what If-None-Match may hold.
[[nodiscard]] bool valid_if_none_match(std::string_view text);

/// What a Prefer header says about waiting (RFC 7240 §4.3, contract §3.7). Other preferences are none of
/// ours.
struct wait_preference {
  std::optional<std::chrono::milliseconds> wait; ///< at most longest_wait; bare numbers are seconds
  bool unreadable = false;                       ///< there is a `wait`, but no time in it
};
[[nodiscard]] wait_preference preferred_wait(std::string_view prefer);

} // namespace holdfast::api
