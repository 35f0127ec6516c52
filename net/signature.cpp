#include "net/signature.hpp"

#include "net/openssl_text.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

namespace holdfast::net {

namespace {

struct digest_free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using digest_ptr = std::unique_ptr<EVP_MD_CTX, digest_free>;

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

/// Leaves nothing in the error queue: a signature that does not fit is no error of this program.
bool holds_under(EVP_PKEY* key, std::string_view text, std::string_view signature) {
  const digest_ptr context(EVP_MD_CTX_new());
  const bool holds =
      context && key != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(text), text.size()) == 1;
  static_cast<void>(openssl_error());
  return holds;
}

using source_ptr = std::unique_ptr<BIO, void (*)(BIO*)>;

source_ptr read_from(std::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), [](BIO* bio) { BIO_free(bio); }};
}

} // namespace

std::vector<std::uint8_t> sign(const private_key& key, std::string_view text) {
  const digest_ptr context(EVP_MD_CTX_new());
  std::vector<std::uint8_t> out(64);
  std::size_t size = out.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.handle()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &size, raw(text), text.size()) != 1)
    throw identity_error("cannot sign: " + openssl_error());
  out.resize(size);
  return out;
}

bool signature_holds(const certificate& by, std::string_view text,
                     const std::vector<std::uint8_t>& signature) {
  return holds_under(X509_get0_pubkey(by.handle()), text,
                     {reinterpret_cast<const char*>(signature.data()), signature.size()});
}

public_key public_key::from_pem(std::string_view pem) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos)
    throw identity_error("it holds a private key, which belongs to the issuer alone");
  const auto source = read_from(pem);
  auto* read = source ? PEM_read_bio_PUBKEY(source.get(), nullptr, nullptr, nullptr) : nullptr;
  if (read == nullptr)
    throw identity_error("it holds no public key in PEM: " + openssl_error());
  std::shared_ptr<EVP_PKEY> key(read, EVP_PKEY_free);
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519)
    throw identity_error("its public key is not an Ed25519 key");
  return public_key(std::move(key));
}

bool public_key::signed_this(std::string_view text, std::string_view signature) const {
  return holds_under(key_.get(), text, signature);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(), out.data(),
           &size) == nullptr)
    throw identity_error("cannot compute an HMAC: " + openssl_error());
  return hex(out.data(), size);
}

bool same_secret(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> out(bytes);
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    throw identity_error("no random bytes: " + openssl_error());
  return hex(out.data(), out.size());
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(bytes),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > (std::size_t{1} << 20))
    return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(text), static_cast<int>(text.size()));
  if (size < 0)
    return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=')
    ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string pem_fingerprint(const std::string& pem) {
  const auto source = read_from(pem);
  auto* read = source ? PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr) : nullptr;
  if (read == nullptr)
    throw identity_error("not a PEM certificate: " + openssl_error());
  return certificate::adopt(std::shared_ptr<X509>(read, X509_free)).info().fingerprint;
}

} // namespace holdfast::net
