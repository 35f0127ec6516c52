// CRC32C (Castagnoli, reflected, polynomial 0x82F63B78; RFC 3720 appendix B.4): SSE4.2 when the CPU has it,
// slicing-by-8 tables otherwise. Both give the same value on every machine. Thread-safe.
#pragma once

#include "wal/types.hpp"

namespace holdfast::wal {

/// CRC of `data` continued from `before` (0 to start): crc32c(a ++ b) == crc32c(b, crc32c(a)).
std::uint32_t crc32c(byte_view data, std::uint32_t before = 0) noexcept;

/// The table version alone, for tests that compare the two.
std::uint32_t crc32c_software(byte_view data, std::uint32_t before = 0) noexcept;

/// Whether crc32c() runs on the CPU's own instruction here.
bool crc32c_in_hardware() noexcept;

} // namespace holdfast::wal
