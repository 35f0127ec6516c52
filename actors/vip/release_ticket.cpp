#include "actors/vip/release_ticket.hpp"

#include "actors/vip/short_text.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace holdfast::vip {

namespace {

constexpr std::string_view magic = "HFRT";
constexpr char ticket_version = 1;
constexpr std::size_t mac_bytes = 32;
constexpr std::size_t longest = 512;
using key_bytes = std::array<unsigned char, 32>;

struct kdf_free {
  void operator()(EVP_KDF* k) const { EVP_KDF_free(k); }
  void operator()(EVP_KDF_CTX* c) const { EVP_KDF_CTX_free(c); }
};

key_bytes derive(std::string_view root_key) {
  const std::unique_ptr<EVP_KDF, kdf_free> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  const std::unique_ptr<EVP_KDF_CTX, kdf_free> context{kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr};
  std::string digest = "SHA256";
  std::string label = "holdfast release ticket 1";
  std::string secret{root_key};
  const std::array<OSSL_PARAM, 4> params{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
      OSSL_PARAM_construct_end()};
  key_bytes out{};
  const bool made = context && EVP_KDF_derive(context.get(), out.data(), out.size(), params.data()) == 1;
  OPENSSL_cleanse(secret.data(), secret.size());
  if (!made) {
    throw std::runtime_error{"release ticket: OpenSSL cannot derive the key"};
  }
  return out;
}

std::array<unsigned char, mac_bytes> mac_of(std::string_view body, std::string_view root_key) {
  auto key = derive(root_key);
  std::array<unsigned char, mac_bytes> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), out.data(), &size);
  OPENSSL_cleanse(key.data(), key.size());
  return out;
}

} // namespace

std::string sign_ticket(const release_ticket& ticket, std::string_view root_key) {
  if (ticket.cluster_id.size() > 200 || ticket.holder.size() > 200) {
    throw std::runtime_error{"release ticket: id too long"};
  }
  std::string out{magic};
  out += ticket_version;
  for (unsigned i = 0; i < 8; ++i) {
    out += static_cast<char>((ticket.epoch >> (8 * i)) & 0xFFU);
  }
  put_short_text(out, ticket.cluster_id);
  put_short_text(out, ticket.holder);
  const auto mac = mac_of(out, root_key);
  out.append(reinterpret_cast<const char*>(mac.data()), mac.size());
  return out;
}

std::optional<release_ticket> open_ticket(std::string_view bytes, std::string_view cluster_id,
                                          const std::vector<std::string>& root_keys) {
  constexpr std::size_t head = 4 + 1 + 8;
  if (bytes.size() < head + 2 + mac_bytes || bytes.size() > longest || bytes.substr(0, 4) != magic ||
      bytes[4] != ticket_version) {
    return std::nullopt;
  }
  const auto body = bytes.substr(0, bytes.size() - mac_bytes);
  const auto mac = bytes.substr(body.size());
  release_ticket ticket;
  for (unsigned i = 0; i < 8; ++i) {
    ticket.epoch |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[5 + i])) << (8 * i);
  }
  auto rest = body.substr(head);
  if (!take_short_text(rest, ticket.cluster_id) || !take_short_text(rest, ticket.holder) || !rest.empty() ||
      ticket.cluster_id != cluster_id) {
    return std::nullopt;
  }
  for (const auto& key : root_keys) {
    const auto expected = mac_of(body, key);
    if (CRYPTO_memcmp(expected.data(), mac.data(), mac_bytes) == 0) {
      return ticket;
    }
  }
  return std::nullopt;
}

} // namespace holdfast::vip
