// Texts in the messages that members send one another about the virtual address: one byte of length, then as
// many bytes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::vip {

inline constexpr std::size_t longest_short_text = 255;

/// Appends `text`, cut after longest_short_text bytes.
inline void put_short_text(std::string& out, std::string_view text) {
  text = text.substr(0, longest_short_text);
  out += static_cast<char>(text.size());
  out += text;
}

/// Takes one text off the front of `in`. False, with both left alone: `in` is too short for it.
[[nodiscard]] inline bool take_short_text(std::string_view& in, std::string& text) {
  if (in.empty() || in.size() - 1 < static_cast<unsigned char>(in[0]))
    return false;
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(in[0]));
  text = in.substr(1, size);
  in.remove_prefix(1 + size);
  return true;
}

} // namespace holdfast::vip
