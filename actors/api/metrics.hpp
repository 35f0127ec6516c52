// Prometheus text format 0.0.4 of what a node knows of itself. Pure; any thread.
#pragma once

#include "actors/api/auth.hpp"
#include "messages/actors.hpp"
#include "messages/object_view.hpp"
#include "messages/vip.hpp"
#include "net/http_server.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::api {

struct metrics_input {
  std::optional<msg::consensus_status> status;
  std::vector<msg::actor_row> actors;
  std::optional<msg::vip_status> vip; ///< written when there is an address to guard
  net::http_server_stats http;
  api_auth::counters auth;
  const msg::object_view* view = nullptr;
  std::uint64_t resident_bytes = 0;
};

[[nodiscard]] std::string metrics_text(const metrics_input& input);

/// Resident memory of this process from /proc/self/statm; 0 when it cannot be read. A few microseconds.
[[nodiscard]] std::uint64_t resident_bytes();

} // namespace holdfast::api
