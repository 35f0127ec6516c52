// Reads the scenario language (docs/chaos.md). Pure; any thread.
#pragma once

#include "tools/chaos/scenario.hpp"

#include <string_view>

namespace holdfast::chaos {

/// Throws scenario_error naming file, line, column and what was expected. `file` is for messages alone.
/// Bounded: at most 1 MiB of text, 10,000 lines, repeats nested 8 deep.
[[nodiscard]] scenario parse_scenario(std::string_view text, const std::string& file);

} // namespace holdfast::chaos
