// A run for people and for machines. Pure: text out.
#pragma once

#include "tools/chaos/runner.hpp"

#include <string>

namespace holdfast::chaos {

/// One page: verdict, checks, figures, failovers, violations, and when it failed the command that repeats it.
[[nodiscard]] std::string summary_text(const run_outcome& run, const std::string& repeat);
/// One JSON object a line: kind event, operation, addition, role, check, verdict; stable keys.
[[nodiscard]] std::string json_lines(const run_outcome& run);
/// A page of its own with the timeline as SVG; no script, no outside resource.
[[nodiscard]] std::string html_page(const run_outcome& run, const std::string& repeat);

} // namespace holdfast::chaos
