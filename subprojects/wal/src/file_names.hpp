// Names in a `wal/` directory: base.<n>, log.<n>, and the same with .new, .part, .install or .drop while in
// the making.
#pragma once

#include "wal/types.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::wal {

struct file_name {
  bool is_base = false;
  generation gen;
  std::string suffix; ///< empty, ".new", ".part", ".install" or ".drop"
};

inline std::string base_name(generation gen) {
  return "base." + std::to_string(gen.value);
}
inline std::string log_name(generation gen) {
  return "log." + std::to_string(gen.value);
}

/// No value for a name that is not ours (leading zeros included).
inline std::optional<file_name> parse_file_name(std::string_view text) {
  file_name out;
  if (text.starts_with("base.")) {
    out.is_base = true;
    text.remove_prefix(5);
  } else if (text.starts_with("log.")) {
    text.remove_prefix(4);
  } else {
    return std::nullopt;
  }
  const auto digits = std::min(text.find('.'), text.size());
  const auto [stop, code] = std::from_chars(text.data(), text.data() + digits, out.gen.value);
  if (digits == 0 || code != std::errc() || stop != text.data() + digits ||
      std::to_string(out.gen.value) != text.substr(0, digits))
    return std::nullopt;
  out.suffix = text.substr(digits);
  if (!out.suffix.empty() && out.suffix != ".new" && out.suffix != ".part" && out.suffix != ".install" &&
      out.suffix != ".drop")
    return std::nullopt;
  return out;
}

} // namespace holdfast::wal
