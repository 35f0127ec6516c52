// The rows behind settings.hpp: one per option. Internal to the room; settings.cpp walks it and nothing else
// names an option.
#pragma once

#include "actors/node/settings.hpp"

#include <span>
#include <string>
#include <string_view>

namespace holdfast::node {

struct option_row {
  enum class kind : std::uint8_t { text, flag, secret };
  const char* flag;        ///< "--ha-id"
  const char* alias;       ///< another spelling, or ""
  const char* environment; ///< "RS_HA_ID"
  kind what;
  const char* value_name;   ///< for --help
  const char* default_text; ///< for --help; "" when there is none
  const char* group;
  const char* help;
  /// Takes a checked value over. Returns what it would have taken instead, or "" when it was right.
  std::string (*apply)(settings& into, const std::string& value);
};

[[nodiscard]] std::span<const option_row> option_table();

} // namespace holdfast::node
