// What a command prints: JSON (two spaces, keys sorted), YAML, text or a table (contract §9).
#pragma once

#include "tools/holdfast/document.hpp"

#include <string>
#include <vector>

namespace holdfast::cli {

struct output_options {
  std::string format = "json";           ///< json, yaml, text, table
  std::vector<std::string> print_fields; ///< columns; a path such as Meta.color is allowed
  bool no_header = false;
  bool no_color = false;
  std::size_t truncate_length = 40;
};

/// Throws failure "Unknown pretty format X" for anything but the four formats.
void check_format(const std::string& format);

/// The text of a value in the chosen format, ending in a newline. Strings print bare in text and table form.
[[nodiscard]] std::string render(const value& v, const output_options& options);

} // namespace holdfast::cli
