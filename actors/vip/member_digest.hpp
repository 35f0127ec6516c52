// What a member tells the others of itself over its link, about twice a second and at every change:
//   u8 version (1) | u8 flags: bit 0: it can carry the virtual address
// A later version may add bytes behind these; they are skipped. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::vip {

struct member_digest {
  bool fit = false;
};

[[nodiscard]] inline std::string encode_digest(const member_digest& digest) {
  return {'\1', static_cast<char>(digest.fit ? 1 : 0)};
}

/// Nothing when it is too short or of version 0.
[[nodiscard]] inline std::optional<member_digest> decode_digest(std::string_view bytes) {
  if (bytes.size() < 2 || bytes[0] == 0)
    return std::nullopt;
  return member_digest{(bytes[1] & 1) != 0};
}

} // namespace holdfast::vip
