// Taking blanks off both ends of a text. Pure.
#pragma once

#include <string_view>

namespace holdfast::api {

/// `text` without the leading and trailing characters of `blanks`; a part of `text`, which must outlive it.
[[nodiscard]] inline std::string_view trimmed(std::string_view text, std::string_view blanks) {
  const auto from = text.find_first_not_of(blanks);
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

} // namespace holdfast::api
