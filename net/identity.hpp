// Certificates of the peer network: Ed25519 roots and the node certificates they sign (TLS-03, TLS-10; RFC
// 5280, RFC 8410). Values: cheap to copy, immutable, any thread. No clock is asked for: the caller says when.
//
// Root:  self-signed, subject CN = "<cluster id> root", CA:TRUE pathlen 0, keyCertSign.
// Node:  subject CN = node id, SAN = IP of its consensus address and URI "holdfast:node:<node id>", CA:FALSE,
//        digitalSignature, serverAuth + clientAuth.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::net {

class identity_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Bytes that are wiped when they go. Never printed.
class secret_bytes {
public:
  secret_bytes() = default;
  explicit secret_bytes(std::span<const std::uint8_t> from) : data_(from.begin(), from.end()) {}
  secret_bytes(const secret_bytes&) = default;
  secret_bytes(secret_bytes&&) noexcept = default;
  secret_bytes& operator=(const secret_bytes& other);
  secret_bytes& operator=(secret_bytes&& other) noexcept;
  ~secret_bytes();
  [[nodiscard]] std::span<const std::uint8_t> view() const { return data_; }

private:
  void wipe();
  std::vector<std::uint8_t> data_;
};

/// An Ed25519 private key.
class private_key {
public:
  /// Fresh from the system's random source. Throws identity_error.
  [[nodiscard]] static private_key generate();
  /// From the 64-byte form of rest-contract §8.1 (seed, then public key). Throws identity_error when the
  /// length is wrong or the halves do not belong together.
  [[nodiscard]] static private_key from_raw(std::span<const std::uint8_t> seed_and_public);
  /// The same 64-byte form.
  [[nodiscard]] secret_bytes raw() const;
  [[nodiscard]] EVP_PKEY* handle() const { return key_.get(); }

private:
  explicit private_key(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

struct certificate_info {
  std::string subject; ///< common name
  std::string issuer;  ///< common name
  std::string node_id; ///< from the node URI; empty for a root
  std::vector<std::string> ips;
  std::vector<std::string> dns;
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string fingerprint; ///< SHA-256 of the DER, 64 lower-case hex digits
  bool is_root = false;
};

class certificate {
public:
  /// Throws identity_error when it is not exactly one DER certificate of at most 64 KiB.
  [[nodiscard]] static certificate from_der(std::span<const std::uint8_t> der);
  [[nodiscard]] static certificate adopt(std::shared_ptr<X509> handle);
  [[nodiscard]] std::vector<std::uint8_t> der() const;
  [[nodiscard]] const certificate_info& info() const { return *info_; }
  [[nodiscard]] X509* handle() const { return handle_.get(); }
  /// True when `root` signed it (the dates are not looked at).
  [[nodiscard]] bool signed_by(const certificate& root) const;

private:
  std::shared_ptr<X509> handle_;
  std::shared_ptr<const certificate_info> info_;
};

struct credential {
  certificate cert;
  private_key key;
};

inline constexpr std::chrono::hours root_lifetime{24 * 90};
inline constexpr std::chrono::hours node_lifetime{24};
/// How far a member's clock may run behind before a brand-new certificate is "not yet valid" to it (TLS-12).
inline constexpr std::chrono::minutes skew_tolerance{10};

/// Valid from `now - skew_tolerance` for `lifetime`. Throws identity_error.
[[nodiscard]] credential make_root(std::string_view cluster_id, std::chrono::system_clock::time_point now,
                                   std::chrono::seconds lifetime = root_lifetime);
/// `ip` is the IP literal of the node's consensus address. Never outlives the root. Throws identity_error.
[[nodiscard]] credential make_node_certificate(const credential& root, std::string_view node_id,
                                               std::string_view ip, std::chrono::system_clock::time_point now,
                                               std::chrono::seconds lifetime = node_lifetime);

/// SHA-256 of the bytes as lower-case hex.
[[nodiscard]] std::string sha256_hex(std::span<const std::uint8_t> bytes);

} // namespace holdfast::net
