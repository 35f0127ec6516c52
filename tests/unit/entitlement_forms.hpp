// Makes entitlements for tests, with a key of its own each time (actors/node/entitlement.hpp).
#pragma once

#include "actors/node/entitlement.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace holdfast::entitlement_forms {

inline std::string public_pem(const net::private_key& key) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out || PEM_write_bio_PUBKEY(out.get(), key.handle()) != 1)
    throw std::runtime_error("a public key cannot be written");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

struct issuer {
  net::private_key secret = net::private_key::generate();
  net::public_key open = net::public_key::from_pem(public_pem(secret));

  [[nodiscard]] std::string signature_of(std::string_view document) const {
    const auto bytes = net::sign(secret, document);
    return {bytes.begin(), bytes.end()};
  }
};

inline std::string profile_with(std::string_view document, std::string_view signature) {
  return R"({"Name":"holdfast-entitlement","Params":{"holdfast/entitlement":{"Document":")" +
         net::to_base64(document) + R"(","Signature":")" + net::to_base64(signature) + "\"}}}";
}

} // namespace holdfast::entitlement_forms
