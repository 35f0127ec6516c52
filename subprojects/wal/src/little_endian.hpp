// Integers in files: little-endian, at any alignment. The caller sees to it that the bytes are there.
#pragma once

#include "wal/types.hpp"

#include <algorithm>

namespace holdfast::wal::le {

template <typename T>
void put(std::span<std::byte> out, std::size_t at, T value) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <typename T>
T get(byte_view in, std::size_t at) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= std::to_integer<std::uint64_t>(in[at + i]) << (8 * i);
  return static_cast<T>(value);
}

inline void put_text(std::span<std::byte> out, std::size_t at, std::string_view text) noexcept {
  std::transform(text.begin(), text.end(), out.begin() + static_cast<std::ptrdiff_t>(at),
                 [](char c) { return static_cast<std::byte>(c); });
}

inline std::string get_text(byte_view in, std::size_t at, std::size_t length) {
  std::string text(length, '\0');
  for (std::size_t i = 0; i < length; ++i)
    text[i] = static_cast<char>(in[at + i]);
  return text;
}

inline bool all_zero(byte_view in) noexcept {
  return std::all_of(in.begin(), in.end(), [](std::byte b) { return b == std::byte{0}; });
}

} // namespace holdfast::wal::le
