#include "actors/api/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <stdexcept>
#include <utility>

namespace holdfast::api {

namespace {

struct mac_deleter {
  void operator()(EVP_MAC* p) const { EVP_MAC_free(p); }
  void operator()(EVP_MAC_CTX* p) const { EVP_MAC_CTX_free(p); }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int value_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool in_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

} // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("the random generator failed");
  return out;
}

std::string random_text(std::size_t count) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned fair = 256 - 256 % static_cast<unsigned>(letters.size());
  std::string out;
  while (out.size() < count) {
    for (const char c : random_bytes(count)) {
      const unsigned value = static_cast<unsigned char>(c);
      if (value < fair && out.size() < count)
        out += letters[value % letters.size()];
    }
  }
  return out;
}

struct mac_key::state {
  std::unique_ptr<EVP_MAC_CTX, mac_deleter> context;
};

mac_key::mac_key(std::string_view key) : state_(std::make_unique<state>()) {
  static const std::unique_ptr<EVP_MAC, mac_deleter> algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  state_->context.reset(EVP_MAC_CTX_new(algorithm.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  if (!state_->context || EVP_MAC_init(state_->context.get(), bytes_of(key), key.size(), params) != 1)
    throw std::runtime_error("HMAC-SHA-256 is not available");
}

mac_key::mac_key(mac_key&&) noexcept = default;
mac_key& mac_key::operator=(mac_key&&) noexcept = default;
mac_key::~mac_key() = default;

mac mac_key::sign(std::string_view text) {
  mac out{};
  std::size_t size = 0;
  auto* context = state_->context.get();
  // Without a key, init goes back to the one that stands.
  if (EVP_MAC_init(context, nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(context, bytes_of(text), text.size()) != 1 ||
      EVP_MAC_final(context, out.data(), &size, out.size()) != 1)
    throw std::runtime_error("HMAC-SHA-256 failed");
  return out;
}

mac sha256(std::string_view text) {
  mac out{};
  if (EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 failed");
  return out;
}

mac hmac_sha256(std::string_view key, std::string_view text) {
  return mac_key(key).sign(text);
}

std::string_view as_text(const mac& value) {
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    out += digits[value >> 4];
    out += digits[value & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = value_of(text[i]);
    const int low = value_of(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > (std::size_t{1} << 24))
    return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=')
    ++padding;
  // OpenSSL forgives blanks at the ends, which would give one secret several spellings.
  for (const char c : text.substr(0, text.size() - padding)) {
    if (!in_base64(c))
      return std::nullopt;
  }
  std::string out(text.size() / 4 * 3, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                      static_cast<int>(text.size())) < 0)
    return std::nullopt;
  out.erase(out.size() - padding);
  if (to_base64(out) != text)
    return std::nullopt; // stray bits under the padding
  return out;
}

std::string to_base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  while (out.ends_with('='))
    out.pop_back();
  for (char& c : out)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos || text.size() % 4 == 1)
    return std::nullopt;
  std::string copy(text);
  for (char& c : copy)
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  copy.append((4 - copy.size() % 4) % 4, '=');
  return from_base64(copy);
}

} // namespace holdfast::api
