#include "net/peer_tls.hpp"

#include "net/openssl_text.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace holdfast::net {

namespace ssl = boost::asio::ssl;

namespace {

int note_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string date(std::chrono::system_clock::time_point at) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

std::string in_words(int error, const certificate_info& shown) {
  const std::string whose =
      "the certificate of " + (shown.subject.empty() ? "an unnamed peer" : shown.subject);
  const auto here = date(std::chrono::system_clock::now());
  switch (error) {
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return whose + " is not valid before " + date(shown.not_before) + " but here it is " + here +
           ": the clocks of the two hosts differ, check NTP";
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return whose + " expired on " + date(shown.not_after) + " and here it is " + here +
           ": it was not renewed, or a clock is wrong";
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    return whose + " was signed by '" + shown.issuer + "', which is not among this cluster's roots";
  default:
    return whose + " was refused: " + X509_verify_cert_error_string(error);
  }
}

/// A plain OpenSSL callback: it belongs to the SSL_CTX and so lives as long as any stream made from it.
int on_verify(int fine, X509_STORE_CTX* store) {
  if (fine == 1)
    return 1;
  const auto* connection =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* note = static_cast<verify_note*>(SSL_get_ex_data(connection, note_index()));
  X509* cert = X509_STORE_CTX_get_current_cert(store);
  if (note == nullptr || cert == nullptr || !note->why.empty())
    return 0;
  try {
    X509_up_ref(cert);
    const auto shown = certificate::adopt(std::shared_ptr<X509>(cert, X509_free));
    note->why = in_words(X509_STORE_CTX_get_error(store), shown.info());
  } catch (const std::exception& error) { // no exception may cross OpenSSL's frames
    note->why = error.what();
  }
  return 0;
}

boost::asio::ip::address plain_address(const std::string& text) {
  boost::system::error_code ec;
  auto address = boost::asio::ip::make_address(text, ec);
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  return address;
}

} // namespace

verify_note::verify_note(SSL* ssl) : ssl_(ssl) {
  SSL_set_ex_data(ssl_, note_index(), this);
}
verify_note::~verify_note() {
  SSL_set_ex_data(ssl_, note_index(), nullptr);
}

tls_context_ptr make_peer_context(const peer_credentials& credentials) {
  const auto& own = credentials.own;
  if (std::ranges::none_of(credentials.roots,
                           [&](const certificate& root) { return own.cert.signed_by(root); }))
    throw identity_error("this node's certificate was signed by none of the cluster's roots");
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_NO_AUTO_CHAIN);
  if (SSL_CTX_use_certificate(raw, own.cert.handle()) != 1 ||
      SSL_CTX_use_PrivateKey(raw, own.key.handle()) != 1)
    throw identity_error("this node's certificate and key do not belong together: " + openssl_error());
  for (const auto& root : credentials.roots)
    X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), root.handle());
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &on_verify);
  return context;
}

std::optional<proven_peer> prove_peer(SSL* ssl, const std::string& remote_ip, std::string& why) {
  const std::shared_ptr<X509> shown(SSL_get1_peer_certificate(ssl), X509_free);
  if (!shown) {
    why = "the other side showed no certificate";
    return std::nullopt;
  }
  proven_peer peer;
  peer.certificate = certificate::adopt(shown).info();
  const auto remote = plain_address(remote_ip);
  const auto fits = [&](const std::string& ip) { return plain_address(ip) == remote; };
  if (std::ranges::none_of(peer.certificate.ips, fits)) {
    why = fmt::format("the certificate of {} is for {}, but the link is with {}", peer.certificate.subject,
                      fmt::join(peer.certificate.ips, ", "), remote_ip);
    return std::nullopt;
  }
  if (peer.certificate.node_id.empty()) {
    why = "the certificate of " + peer.certificate.subject + " names no node";
    return std::nullopt;
  }
  const auto* chain = SSL_get0_verified_chain(ssl);
  X509* root = chain != nullptr ? sk_X509_value(chain, sk_X509_num(chain) - 1) : nullptr;
  if (root != nullptr) {
    X509_up_ref(root);
    peer.root_fingerprint = certificate::adopt(std::shared_ptr<X509>(root, X509_free)).info().fingerprint;
  }
  return peer;
}

std::string explain_handshake(const std::string& error_text, const verify_note& note) {
  if (!note.why.empty())
    return note.why;
  struct translation {
    const char* sign;
    const char* meaning;
  };
  static constexpr std::array<translation, 6> known{{
      {"alert unknown ca", "the other side does not trust the root that signed this node's certificate"},
      {"alert certificate expired",
       "the other side holds this node's certificate to be expired: check both clocks"},
      {"alert bad certificate",
       "the other side refused this node's certificate (not yet valid there? check both clocks)"},
      {"alert certificate required", "the other side asked for a certificate and got none"},
      {"peer did not return a certificate", "the other side showed no certificate"},
      {"unsupported protocol", "the other side does not speak TLS 1.3"},
  }};
  for (const auto& [sign, meaning] : known)
    if (error_text.find(sign) != std::string::npos)
      return std::string(meaning) + " (" + error_text + ")";
  return "TLS handshake failed: " + error_text;
}

} // namespace holdfast::net
