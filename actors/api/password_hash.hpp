// scrypt password hashes (RFC 7914) as the text `N$r$p$salthex$keyhex` (contract §1.2). N, r, p are decimal.
// Checking takes about 50 ms by design: never on the event loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::api {

struct scrypt_cost {
  std::uint64_t n = 16384; ///< power of two
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

/// A new hash with a random 16-byte salt and a 32-byte key. Blocking, CPU. Throws std::runtime_error.
[[nodiscard]] std::string hash_password(std::string_view password, const scrypt_cost& cost = {});

/// True when the password belongs to the hash. A text that is no hash, or one whose cost is above N=2^20,
/// r=32, p=16 or 256 MiB, matches no password. Blocking, CPU. Constant time in the password.
[[nodiscard]] bool password_matches(std::string_view password, std::string_view hash);

/// Tells texts apart without being a quicker way to guess them than their hash: the same 16 bytes, in
/// hexadecimal digits, for the same text and salt. Blocking, CPU. Throws std::runtime_error.
[[nodiscard]] std::string slow_digest(std::string_view text, std::string_view salt);

} // namespace holdfast::api
