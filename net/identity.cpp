#include "net/identity.hpp"

#include "net/openssl_text.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace holdfast::net {

namespace {

using std::chrono::system_clock;

constexpr std::string_view node_uri = "holdfast:node:";
constexpr std::size_t longest_der = 64 * 1024;

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using name_ptr = std::unique_ptr<X509_NAME, freer<X509_NAME_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freer<GENERAL_NAMES_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freer<X509_EXTENSION_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freer<BN_free>>;

[[noreturn]] void fail(const std::string& what) {
  throw identity_error(what + ": " + openssl_error());
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0)
    return {};
  const auto* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0)
    return {};
  std::string result(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return result;
}

system_clock::time_point to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    throw identity_error("a certificate holds a date that is none");
  return system_clock::from_time_t(timegm(&parts));
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string ip_text(const ASN1_OCTET_STRING* raw) {
  const int size = ASN1_STRING_length(raw);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (size != 4 && size != 16)
    return {};
  return inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(raw), text.data(), text.size());
}

void read_names(X509* cert, certificate_info& info) {
  const names_ptr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_IPADD) {
      info.ips.push_back(ip_text(name->d.iPAddress));
    } else if (name->type == GEN_DNS) {
      info.dns.push_back(text_of(name->d.dNSName));
    } else if (name->type == GEN_URI) {
      const auto uri = text_of(name->d.uniformResourceIdentifier);
      if (uri.starts_with(node_uri))
        info.node_id = uri.substr(node_uri.size());
    }
  }
}

void add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(cert, extension.get(), -1) != 1)
    fail("cannot make a certificate");
}

void set_serial(X509* cert) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    fail("no random numbers");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3fU) | 0x40U); // positive and of full length
  const number_ptr number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert));
}

void set_time(ASN1_TIME* field, system_clock::time_point at) {
  if (ASN1_TIME_set(field, system_clock::to_time_t(at)) == nullptr)
    fail("a certificate cannot have such a date");
}

std::shared_ptr<X509> blank(std::string_view name, EVP_PKEY* key, system_clock::time_point from,
                            system_clock::time_point to) {
  std::shared_ptr<X509> cert(X509_new(), X509_free);
  if (!cert)
    fail("cannot make a certificate");
  X509_set_version(cert.get(), 2);
  set_serial(cert.get());
  set_time(X509_getm_notBefore(cert.get()), from);
  set_time(X509_getm_notAfter(cert.get()), to);
  if (name.empty() || name.size() > 64 || // RFC 5280 ub-common-name
      X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.data()),
                                 static_cast<int>(name.size()), -1, 0) != 1)
    throw identity_error("a certificate's name must have 1 to 64 bytes of UTF-8");
  X509_set_pubkey(cert.get(), key);
  return cert;
}

void sign(X509* cert, EVP_PKEY* key) {
  if (X509_sign(cert, key, nullptr) == 0) // Ed25519 brings its own digest
    fail("cannot sign a certificate");
}

} // namespace

secret_bytes& secret_bytes::operator=(const secret_bytes& other) {
  if (this != &other) {
    wipe();
    data_ = other.data_;
  }
  return *this;
}
secret_bytes& secret_bytes::operator=(secret_bytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::move(other.data_);
  }
  return *this;
}
secret_bytes::~secret_bytes() {
  wipe();
}
void secret_bytes::wipe() {
  OPENSSL_cleanse(data_.data(), data_.size());
}

private_key private_key::generate() {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  if (!key)
    fail("cannot make an Ed25519 key");
  return private_key(std::move(key));
}

private_key private_key::from_raw(std::span<const std::uint8_t> seed_and_public) {
  if (seed_and_public.size() != 64)
    throw identity_error("an Ed25519 private key must have 64 bytes: seed, then public key");
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_and_public.data(), 32), EVP_PKEY_free);
  if (!key)
    fail("not an Ed25519 key");
  std::array<std::uint8_t, 32> derived{};
  std::size_t size = derived.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), derived.data(), &size) != 1 ||
      CRYPTO_memcmp(derived.data(), seed_and_public.data() + 32, 32) != 0)
    throw identity_error("the two halves of an Ed25519 private key do not belong together");
  return private_key(std::move(key));
}

secret_bytes private_key::raw() const {
  std::array<std::uint8_t, 64> bytes{};
  std::size_t seed = 32;
  std::size_t open = 32;
  if (EVP_PKEY_get_raw_private_key(key_.get(), bytes.data(), &seed) != 1 ||
      EVP_PKEY_get_raw_public_key(key_.get(), bytes.data() + 32, &open) != 1)
    fail("cannot read a key");
  secret_bytes result(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return result;
}

certificate certificate::adopt(std::shared_ptr<X509> handle) {
  auto info = std::make_shared<certificate_info>();
  X509* raw = handle.get();
  info->subject = common_name(X509_get_subject_name(raw));
  info->issuer = common_name(X509_get_issuer_name(raw));
  info->not_before = to_time(X509_get0_notBefore(raw));
  info->not_after = to_time(X509_get0_notAfter(raw));
  info->is_root = X509_check_ca(raw) == 1;
  read_names(raw, *info);
  certificate result;
  result.handle_ = std::move(handle);
  info->fingerprint = sha256_hex(result.der());
  result.info_ = std::move(info);
  return result;
}

certificate certificate::from_der(std::span<const std::uint8_t> der) {
  if (der.size() > longest_der)
    throw identity_error("a certificate of more than 64 KiB");
  const unsigned char* at = der.data();
  std::shared_ptr<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
  if (!parsed)
    fail("not a DER certificate");
  if (at != der.data() + der.size())
    throw identity_error("bytes follow the DER certificate");
  return adopt(std::move(parsed));
}

std::vector<std::uint8_t> certificate::der() const {
  unsigned char* raw = nullptr;
  const int size = i2d_X509(handle_.get(), &raw);
  if (size < 0)
    fail("cannot encode a certificate");
  std::vector<std::uint8_t> bytes(raw, raw + size);
  OPENSSL_free(raw);
  return bytes;
}

bool certificate::signed_by(const certificate& root) const {
  const bool fits = X509_verify(handle_.get(), X509_get0_pubkey(root.handle())) == 1;
  static_cast<void>(openssl_error());
  return fits;
}

credential make_root(std::string_view cluster_id, system_clock::time_point now,
                     std::chrono::seconds lifetime) {
  auto key = private_key::generate();
  const auto from = now - skew_tolerance;
  // The whole id may be as long as the field: shorten it, the name is for people only.
  const auto name = std::string(cluster_id.substr(0, 59)) + " root";
  const auto cert = blank(name, key.handle(), from, from + lifetime);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(cert.get()));
  add_extension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(cert.get(), cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(cert.get(), cert.get(), NID_subject_key_identifier, "hash");
  sign(cert.get(), key.handle());
  return {certificate::adopt(cert), std::move(key)};
}

credential make_node_certificate(const credential& root, std::string_view node_id, std::string_view ip,
                                 system_clock::time_point now, std::chrono::seconds lifetime) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == ':';
  };
  if (node_id.empty() || node_id.size() > 64 || !std::ranges::all_of(node_id, plain))
    throw identity_error("a node id must have 1 to 64 letters, digits or . _ - :");
  const std::string ip_string(ip);
  const std::unique_ptr<ASN1_OCTET_STRING, freer<ASN1_OCTET_STRING_free>> parsed(
      a2i_IPADDRESS(ip_string.c_str()));
  if (!parsed)
    throw identity_error("'" + ip_string + "' is not an IP literal");
  auto key = private_key::generate();
  const auto from = now - skew_tolerance;
  const auto to = std::min(from + lifetime, root.cert.info().not_after);
  const auto cert = blank(node_id, key.handle(), from, to);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(root.cert.handle()));
  add_extension(cert.get(), root.cert.handle(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(cert.get(), root.cert.handle(), NID_key_usage, "critical,digitalSignature");
  add_extension(cert.get(), root.cert.handle(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(cert.get(), root.cert.handle(), NID_subject_alt_name,
                "IP:" + ip_string + ",URI:" + std::string(node_uri) + std::string(node_id));
  add_extension(cert.get(), root.cert.handle(), NID_subject_key_identifier, "hash");
  add_extension(cert.get(), root.cert.handle(), NID_authority_key_identifier, "keyid:always");
  sign(cert.get(), root.key.handle());
  return {certificate::adopt(cert), std::move(key)};
}

std::string sha256_hex(std::span<const std::uint8_t> bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 15U]);
  }
  return text;
}

} // namespace holdfast::net
