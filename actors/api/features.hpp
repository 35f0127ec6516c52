// The feature flags this server keeps (contract §7.2): what `info` reports and what a content pack may
// require.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace holdfast::api {

[[nodiscard]] inline std::span<const std::string_view> claimed_features() {
  static constexpr std::array<std::string_view, 13> flags = {"api-v3",
                                                             "sane-exit-codes",
                                                             "roles",
                                                             "tenants",
                                                             "separate-meta-api",
                                                             "slim-objects",
                                                             "multiarch",
                                                             "bundle-objects",
                                                             "partial-objects",
                                                             "content-prerequisite-version-checking",
                                                             "regex-string-filters",
                                                             "workflows",
                                                             "log-has-head-method"};
  return flags;
}

} // namespace holdfast::api
