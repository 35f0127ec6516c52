// Numbers in JSON that must not reach RapidJSON's exact conversion. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace holdfast::msg {

/// kParseFullPrecisionFlag makes RapidJSON read outside its table of powers when a number's decimal exponent
/// falls below -348 with its digits counted apart, such as 0.(400 zeros)123…: a crash anybody could ask for.
/// That takes a negative exponent of three digits or very many digits. True for a text that has such a number
/// outside its strings (ids look like "…e-123…"): read it without that flag. Text that is no JSON gets either
/// answer.
[[nodiscard]] inline bool may_hold_tiny_number(std::string_view text) {
  constexpr std::size_t most_digits = 64;
  constexpr std::size_t most_exponent = 2;
  std::size_t number = 0;   // characters of the number so far
  std::size_t exponent = 0; // digits after its e-
  char before = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool digit = c >= '0' && c <= '9';
    const bool part = digit || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
    if (c == '"') { // to its end
      at = text.find_first_of("\"\\", at + 1);
      while (at != std::string_view::npos && text[at] == '\\')
        at = text.find_first_of("\"\\", at + 2);
      if (at == std::string_view::npos)
        return false;
    }
    number = part ? number + 1 : 0;
    if (c == '-' && (before == 'e' || before == 'E'))
      exponent = 1;
    else
      exponent = digit && exponent != 0 ? exponent + 1 : 0;
    before = c;
    if (number > most_digits || exponent > 1 + most_exponent)
      return true;
  }
  return false;
}

} // namespace holdfast::msg
