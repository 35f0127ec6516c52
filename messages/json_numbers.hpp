// Numbers in JSON that must not reach RapidJSON's exact conversion. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::msg {

/// kParseFullPrecisionFlag makes RapidJSON read outside its table of powers when a number's decimal exponent
/// falls below -348 with its digits counted apart, such as 0.(400 zeros)123…: a crash anybody could ask for.
/// That takes an exponent of three digits or a long run of zeros. True for a text that has either, in a
/// string or not: read it without that flag.
[[nodiscard]] inline bool may_hold_tiny_number(std::string_view text) {
  static const std::string zeros(64, '0');
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (auto at = text.find('-'); at != std::string_view::npos; at = text.find('-', at + 1))
    if (at > 0 && (text[at - 1] == 'e' || text[at - 1] == 'E') && at + 3 < text.size() &&
        is_digit(text[at + 1]) && is_digit(text[at + 2]) && is_digit(text[at + 3]))
      return true;
  return text.find(zeros) != std::string_view::npos;
}

} // namespace holdfast::msg
