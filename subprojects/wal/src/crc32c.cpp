#include "wal/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace holdfast::wal {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78U;
using tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr tables make_tables() {
  tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? polynomial : 0U);
    t[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i)
    for (std::size_t k = 1; k < 8; ++k)
      t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xFFU];
  return t;
}

constexpr tables crc_tables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(byte_view data, std::uint32_t before) noexcept {
  std::uint64_t crc = ~before;
  const std::byte* at = data.data();
  std::size_t left = data.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto small = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left)
    small = _mm_crc32_u8(small, std::to_integer<std::uint8_t>(*at));
  return ~small;
}
#endif

} // namespace

std::uint32_t crc32c_software(byte_view data, std::uint32_t before) noexcept {
  std::uint32_t crc = ~before;
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(data[i]); };
  std::size_t i = 0;
  for (; i + 8 <= data.size(); i += 8) {
    const std::uint32_t low =
        crc ^ (byte_at(i) | byte_at(i + 1) << 8 | byte_at(i + 2) << 16 | byte_at(i + 3) << 24);
    crc = crc_tables[7][low & 0xFFU] ^ crc_tables[6][(low >> 8) & 0xFFU] ^
          crc_tables[5][(low >> 16) & 0xFFU] ^ crc_tables[4][low >> 24] ^ crc_tables[3][byte_at(i + 4)] ^
          crc_tables[2][byte_at(i + 5)] ^ crc_tables[1][byte_at(i + 6)] ^ crc_tables[0][byte_at(i + 7)];
  }
  for (; i < data.size(); ++i)
    crc = (crc >> 8) ^ crc_tables[0][(crc ^ byte_at(i)) & 0xFFU];
  return ~crc;
}

bool crc32c_in_hardware() noexcept {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
#else
  return false;
#endif
}

std::uint32_t crc32c(byte_view data, std::uint32_t before) noexcept {
#if defined(__x86_64__)
  if (crc32c_in_hardware())
    return crc32c_sse42(data, before);
#endif
  return crc32c_software(data, before);
}

} // namespace holdfast::wal
