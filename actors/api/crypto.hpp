// The cryptography this room needs, all of it OpenSSL's: random bytes, SHA-256, HMAC-SHA-256 (RFC 2104),
// base64 (RFC 4648) and a comparison that takes the same time whatever it finds. Any thread, except mac_key
// (one thread each).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api {

using mac = std::array<unsigned char, 32>;

/// Cryptographically random bytes. Throws std::runtime_error when the generator fails.
[[nodiscard]] std::string random_bytes(std::size_t count);
/// Random text of letters and digits, `count` characters (about 5.95 bits each).
[[nodiscard]] std::string random_text(std::size_t count);

/// A key made ready once and used many times. Movable; one thread at a time.
class mac_key {
public:
  explicit mac_key(std::string_view key);
  mac_key(mac_key&&) noexcept;
  mac_key& operator=(mac_key&&) noexcept;
  ~mac_key();
  [[nodiscard]] mac sign(std::string_view text);

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// One-off. Any thread.
[[nodiscard]] mac sha256(std::string_view text);
[[nodiscard]] mac hmac_sha256(std::string_view key, std::string_view text);
[[nodiscard]] std::string_view as_text(const mac& value);

[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right);

[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Nothing unless the text is an even number of hexadecimal digits.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Strict: padded, standard alphabet, no blanks.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// URL alphabet without padding (RFC 4648 §5).
[[nodiscard]] std::string to_base64url(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

} // namespace holdfast::api
