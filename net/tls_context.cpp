#include "net/tls_context.hpp"

#include "net/openssl_text.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string_view>
#include <utility>

namespace holdfast::net {

namespace ssl = boost::asio::ssl;

pem_pair::pem_pair(std::string cert_pem, std::string key_pem)
    : cert(std::move(cert_pem)), key(std::move(key_pem)) {}

pem_pair::~pem_pair() {
  OPENSSL_cleanse(key.data(), key.size());
}

namespace {

/// HTTP/1.1 is all we speak; a client that offers only something else may go on without ALPN (RFC 7301 §3.2
/// would end the connection, but the existing client falls back by itself).
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* picked = nullptr;
  if (SSL_select_next_proto(&picked, out_size, ours, sizeof ours, in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = picked;
  return SSL_TLSEXT_ERR_OK;
}

void use_pem(SSL_CTX* context, const pem_pair& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> cert_bio(
      BIO_new_mem_buf(pem.cert.data(), static_cast<int>(pem.cert.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(
      PEM_read_bio_X509_AUX(cert_bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    throw tls_error("the certificate is not usable PEM: " + openssl_error());
  while (X509* extra = PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr))
    if (SSL_CTX_add0_chain_cert(context, extra) != 1) {
      X509_free(extra);
      throw tls_error("the certificate chain is not usable: " + openssl_error());
    }
  ERR_clear_error(); // the end of the PEM text leaves "no start line" behind
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_bio(
      BIO_new_mem_buf(pem.key.data(), static_cast<int>(pem.key.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key)
    throw tls_error("the private key is not usable PEM: " + openssl_error());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    throw tls_error("private key and certificate do not belong together: " + openssl_error());
}

using slot_holder = std::shared_ptr<tls_slot>;

void free_slot(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<slot_holder*>(held);
}

/// Where a context keeps its cluster slot; OpenSSL frees it together with the context.
int slot_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_slot);
  return index;
}

int select_context(SSL* ssl, int*, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || std::strcmp(name, cluster_server_name) != 0)
    return SSL_TLSEXT_ERR_NOACK;
  const auto* slot = static_cast<const slot_holder*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot_index()));
  const auto cluster = slot != nullptr ? (*slot)->get() : nullptr;
  if (!cluster)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  // The certificate, the roots and the references move with the context; what SSL_new copied does not.
  SSL_CTX* raw = cluster->native_handle();
  SSL_set_SSL_CTX(ssl, raw);
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(raw), SSL_CTX_get_verify_callback(raw));
  SSL_set_num_tickets(ssl, 0);
  return SSL_version(ssl) == TLS1_3_VERSION ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

tls_context_ptr make_api_context(const pem_pair& pem, std::shared_ptr<tls_slot> cluster) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // AES-128-GCM moves a sixth more bytes than AES-256-GCM for the same CPU (field notes A2).
  SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(raw, &select_protocol, nullptr);
  use_pem(raw, pem);
  if (cluster) {
    auto held = std::make_unique<slot_holder>(std::move(cluster));
    if (SSL_CTX_set_ex_data(raw, slot_index(), held.get()) == 1)
      static_cast<void>(held.release());
    SSL_CTX_set_tlsext_servername_callback(raw, &select_context);
  }
  return context;
}

} // namespace holdfast::net
