#include "net/api_certificate.hpp"

#include "net/openssl_text.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace holdfast::net {

namespace fs = std::filesystem;

namespace {

using bio_ptr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using x509_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

[[noreturn]] void fail_certificate(const std::string& what) {
  throw tls_error(what + ": " + openssl_error());
}

void add_extension(X509* cert, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), &X509_EXTENSION_free);
  if (!extension || X509_add_ext(cert, extension.get(), -1) != 1)
    fail_certificate("cannot make the API certificate");
}

std::string subject_names(const certificate_names& names) {
  std::string text;
  for (const auto& name : names.dns)
    text += (text.empty() ? "DNS:" : ",DNS:") + name;
  for (const auto& ip : names.ips)
    text += (text.empty() ? "IP:" : ",IP:") + ip;
  return text;
}

std::string text_of(const bio_ptr& bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

pem_pair to_pem(X509* cert, EVP_PKEY* key) {
  const bio_ptr cert_bio(BIO_new(BIO_s_mem()), &BIO_free);
  const bio_ptr key_bio(BIO_new(BIO_s_secmem()), &BIO_free);
  if (PEM_write_bio_X509(cert_bio.get(), cert) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    fail_certificate("cannot write the API certificate as PEM");
  return {text_of(cert_bio), text_of(key_bio)};
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf()))
    throw tls_error(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  return text.str();
}

class file_descriptor {
public:
  explicit file_descriptor(int fd) : fd_(fd) {}
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;
  ~file_descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

void write_durably(const fs::path& path, const std::string& bytes) {
  const auto fresh = fs::path(path.string() + ".new");
  const auto refuse = [&](const char* step) {
    throw tls_error(fmt::format("cannot {} {}: {}", step, fresh.string(), std::strerror(errno)));
  };
  {
    const file_descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0)
      refuse("create");
    if (::fchmod(file.get(), 0600) != 0)
      refuse("protect");
    for (std::size_t done = 0; done < bytes.size();) {
      const auto n = ::write(file.get(), bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        refuse("write");
      done += static_cast<std::size_t>(n);
    }
    if (::fsync(file.get()) != 0)
      refuse("sync");
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    refuse("rename");
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const file_descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0)
    refuse("sync the directory of");
}

} // namespace

certificate_names names_of_this_host() {
  certificate_names names;
  names.dns.emplace_back("localhost");
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    const std::string name = host.data();
    const bool plain = std::ranges::all_of(name, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
             c == '.';
    });
    if (plain && name != "localhost")
      names.dns.push_back(name);
  }
  names.ips = {"127.0.0.1", "::1"};
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0)
    return names;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(first, &freeifaddrs);
  for (const ifaddrs* at = list.get(); at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr)
      continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = at->ifa_addr->sa_family;
    const void* raw = nullptr;
    if (family == AF_INET)
      raw = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
    else if (family == AF_INET6)
      raw = &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
    if (raw == nullptr || ::inet_ntop(family, raw, text.data(), text.size()) == nullptr)
      continue;
    if (std::ranges::find(names.ips, std::string(text.data())) == names.ips.end())
      names.ips.emplace_back(text.data());
  }
  return names;
}

namespace {

pem_pair sign_self(const key_ptr& key, const certificate_names& names, std::chrono::hours validity) {
  const x509_ptr cert(X509_new(), &X509_free);
  if (!key || !cert)
    fail_certificate("cannot make a key for the API certificate");
  std::array<unsigned char, 16> serial{};
  RAND_bytes(serial.data(), serial.size());
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3fU) | 0x40U); // positive and of full length
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(BN_bin2bn(serial.data(), serial.size(), nullptr),
                                                           &BN_free);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert.get()));
  X509_set_version(cert.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
  X509_time_adj_ex(X509_getm_notAfter(cert.get()), static_cast<int>(validity.count() / 24),
                   static_cast<long>(validity.count() % 24) * 3600, nullptr);
  auto* subject = X509_get_subject_name(cert.get());
  const std::string common = names.dns.empty() ? "holdfast" : names.dns.back().substr(0, 64);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Holdfast"),
                             -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  X509_set_pubkey(cert.get(), key.get());
  add_extension(cert.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(cert.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(cert.get(), NID_ext_key_usage, "serverAuth");
  if (const auto alternatives = subject_names(names); !alternatives.empty())
    add_extension(cert.get(), NID_subject_alt_name, alternatives);
  if (X509_sign(cert.get(), key.get(), EVP_sha256()) == 0)
    fail_certificate("cannot sign the API certificate");
  return to_pem(cert.get(), key.get());
}

key_ptr parse_key(const fs::path& path) {
  const pem_pair text("", read_file(path));
  const bio_ptr bio(BIO_new_mem_buf(text.key.data(), static_cast<int>(text.key.size())), &BIO_free);
  key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key)
    fail_certificate(path.string() + " holds no usable private key");
  return key;
}

constexpr std::chrono::hours ten_years{24 * 3650};

} // namespace

pem_pair make_self_signed(const certificate_names& names, std::chrono::hours validity) {
  const key_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), &EVP_PKEY_free);
  return sign_self(key, names, validity);
}

pem_pair load_or_make_api_certificate(const fs::path& cert, const fs::path& key) {
  std::error_code ec;
  const bool have_cert = fs::exists(cert, ec);
  const bool have_key = fs::exists(key, ec);
  if (have_cert && !have_key)
    throw tls_error(
        fmt::format("{} is there but its key {} is missing: supply both, or neither to have a pair made",
                    cert.string(), key.string()));
  if (have_key && !have_cert) { // what a crash during the very first start leaves
    auto made = sign_self(parse_key(key), names_of_this_host(), ten_years);
    write_durably(cert, made.cert);
    return made;
  }
  if (!have_cert) {
    auto made = make_self_signed(names_of_this_host());
    write_api_certificate(cert, key, made);
    return made;
  }
  pem_pair loaded(read_file(cert), read_file(key));
  try {
    static_cast<void>(make_api_context(loaded));
  } catch (const tls_error& error) {
    throw tls_error(fmt::format("{} with {}: {}", cert.string(), key.string(), error.what()));
  }
  return loaded;
}

void write_api_certificate(const fs::path& cert, const fs::path& key, const pem_pair& pem) {
  write_durably(key, pem.key);
  write_durably(cert, pem.cert);
}

} // namespace holdfast::net
