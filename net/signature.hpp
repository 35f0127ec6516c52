// Small proofs between members that do not share a link yet, and of what somebody outside has signed: Ed25519
// signatures (RFC 8032), HMAC-SHA-256, random text, and the fingerprint of a PEM certificate. Pure but for
// the random source; any thread.
#pragma once

#include "net/identity.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::net {

/// Throws identity_error.
[[nodiscard]] std::vector<std::uint8_t> sign(const private_key& key, std::string_view text);
/// False for anything that is not a signature of `text` by the certificate's key.
[[nodiscard]] bool signature_holds(const certificate& by, std::string_view text,
                                   const std::vector<std::uint8_t>& signature);

/// Whose signatures are believed though he is no member: an Ed25519 public key. Cheap to copy, immutable.
class public_key {
public:
  /// From PEM (RFC 7468, "PUBLIC KEY"). Throws identity_error, which says what the text is instead and shows
  /// nothing of it.
  [[nodiscard]] static public_key from_pem(std::string_view pem);
  /// False for anything that is not a signature of `text` by this key.
  [[nodiscard]] bool signed_this(std::string_view text, std::string_view signature) const;

private:
  explicit public_key(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

/// Lower-case hex.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view text);
/// In time that does not depend on where they differ.
[[nodiscard]] bool same_secret(std::string_view left, std::string_view right);
/// `bytes` random bytes as lower-case hex. Throws identity_error.
[[nodiscard]] std::string random_hex(std::size_t bytes);

[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

/// SHA-256 of the first certificate of a PEM text (its DER), lower-case hex. Throws identity_error.
[[nodiscard]] std::string pem_fingerprint(const std::string& pem);

} // namespace holdfast::net
