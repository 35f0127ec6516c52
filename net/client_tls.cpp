#include "net/client_tls.hpp"

#include "net/openssl_text.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

namespace holdfast::net {

namespace ssl = boost::asio::ssl;

namespace {

std::string plain_hex(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ':' && c != ' ')
      out.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return out;
}

} // namespace

tls_context_ptr make_client_context(const http_client_options& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  const bool cluster = options.verify == verify_mode::cluster_roots;
  SSL_CTX_set_min_proto_version(raw, cluster ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_mode(raw, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  if (options.own && (SSL_CTX_use_certificate(raw, options.own->cert.handle()) != 1 ||
                      SSL_CTX_use_PrivateKey(raw, options.own->key.handle()) != 1))
    throw tls_error("the client's certificate is not usable: " + openssl_error());
  SSL_CTX_set_verify(raw, cluster ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (cluster)
    for (const auto& root : options.roots)
      X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), root.handle());
  return context;
}

void prepare_client(SSL* ssl, const http_client_options& options, const http_url& where) {
  const auto& host = where.host;
  boost::system::error_code ec;
  boost::asio::ip::make_address(host, ec);
  const bool literal = !ec;
  if (options.verify == verify_mode::cluster_roots) {
    SSL_set_tlsext_host_name(ssl, cluster_server_name);
    if (literal && where.node.empty())
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    else if (where.node.empty())
      X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), host.c_str(), host.size());
  } else if (!literal) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
}

std::string judge_server(SSL* ssl, const http_client_options& options, const http_url& where,
                         std::string& fingerprint) {
  const std::shared_ptr<X509> shown(SSL_get1_peer_certificate(ssl), X509_free);
  if (!shown)
    return "the server showed no certificate";
  try {
    const auto info = certificate::adopt(shown).info();
    fingerprint = info.fingerprint;
    if (options.verify == verify_mode::cluster_roots && !where.node.empty() && info.node_id != where.node)
      return "the server is node " + info.node_id + ", not " + where.node;
  } catch (const identity_error& error) {
    return error.what();
  }
  if (options.verify == verify_mode::fingerprint && fingerprint != plain_hex(options.fingerprint))
    return "the server's certificate has another fingerprint (" + fingerprint + ") than the one expected";
  return {};
}

} // namespace holdfast::net
