#include "net/address.hpp"
#include "net/api_certificate.hpp"
#include "net/identity.hpp"
#include "net/signature.hpp"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace holdfast::net {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;
const auto now = std::chrono::time_point_cast<std::chrono::seconds>(system_clock::now());

struct temporary_directory {
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-net-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temporary_directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  REQUIRE(PEM_write_bio_PUBKEY(out.get(), key) == 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("TLS-03 a root is self-signed, valid for its lifetime, and survives DER and raw key form") {
  const auto root = make_root("cluster-1", now);
  CHECK(root.cert.info().not_after - root.cert.info().not_before == root_lifetime);
  CHECK(root.cert.info().not_before == now - skew_tolerance);
  CHECK(root.cert.info().is_root);
  CHECK(root.cert.signed_by(root.cert));
  const auto again = certificate::from_der(root.cert.der());
  CHECK(again.info().fingerprint == root.cert.info().fingerprint);
  const auto raw = root.key.raw();
  REQUIRE(raw.view().size() == 64);
  const credential restored{again, private_key::from_raw(raw.view())};
  const auto node = make_node_certificate(restored, "n1", "127.0.0.1", now);
  CHECK(node.cert.signed_by(root.cert));
}

TEST_CASE("TLS-10 a node certificate is short-lived and carries node id and IP") {
  const auto root = make_root("cluster-1", now);
  const auto other = make_root("cluster-1", now);
  const auto node = make_node_certificate(root, "0e1f-node", "10.1.2.3", now);
  CHECK(node.cert.info().not_after - node.cert.info().not_before == node_lifetime);
  CHECK(node.cert.info().node_id == "0e1f-node");
  CHECK(node.cert.info().ips == std::vector<std::string>{"10.1.2.3"});
  CHECK(!node.cert.info().is_root);
  CHECK(node.cert.signed_by(root.cert));
  CHECK(!node.cert.signed_by(other.cert));
  CHECK(make_node_certificate(root, "n", "fe80::1", now).cert.info().ips.at(0) == "fe80::1");
  const auto dying = make_root("cluster-1", now, 3600s);
  CHECK(make_node_certificate(dying, "n", "::1", now).cert.info().not_after == dying.cert.info().not_after);
}

TEST_CASE("bad identities are refused with a reason") {
  const auto root = make_root("c", now);
  CHECK_THROWS_AS(make_node_certificate(root, "", "1.2.3.4", now), identity_error);
  CHECK_THROWS_AS(make_node_certificate(root, "a,IP:9.9.9.9", "1.2.3.4", now), identity_error);
  CHECK_THROWS_AS(make_node_certificate(root, "a", "host", now), identity_error);
  CHECK_THROWS_AS(make_node_certificate(root, "a", "1.2.3.4,DNS:x", now), identity_error);
  auto der = root.cert.der();
  der.push_back(0);
  CHECK_THROWS_AS(certificate::from_der(der), identity_error);
  CHECK_THROWS_AS(certificate::from_der(std::vector<std::uint8_t>{1, 2, 3}), identity_error);
  const auto raw = root.key.raw();
  std::vector<std::uint8_t> twisted(raw.view().begin(), raw.view().end());
  twisted[40] ^= 1U;
  CHECK_THROWS_AS(private_key::from_raw(twisted), identity_error);
  twisted.resize(32);
  CHECK_THROWS_AS(private_key::from_raw(twisted), identity_error);
}

TEST_CASE("a missing API certificate is made once, private, and found again") {
  const temporary_directory dir;
  const auto cert = dir.path / "server.crt";
  const auto key = dir.path / "server.key";
  const auto made = load_or_make_api_certificate(cert, key);
  CHECK(load_or_make_api_certificate(cert, key).cert == made.cert);
  struct stat status {};
  REQUIRE(::stat(key.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
  std::filesystem::remove(cert); // a crash between the two files
  const auto repaired = load_or_make_api_certificate(cert, key);
  CHECK(repaired.key == made.key);
  CHECK_NOTHROW(static_cast<void>(make_api_context(repaired)));
}

TEST_CASE("an API certificate that is damaged or does not fit is refused by name and left alone") {
  const temporary_directory dir;
  const auto cert = dir.path / "server.crt";
  const auto key = dir.path / "server.key";
  static_cast<void>(load_or_make_api_certificate(cert, key));
  std::filesystem::remove(key);
  CHECK_THROWS_AS(static_cast<void>(load_or_make_api_certificate(cert, key)), tls_error);
  std::ofstream(key) << "not a key";
  CHECK_THROWS_AS(static_cast<void>(load_or_make_api_certificate(cert, key)), tls_error);
  CHECK(read(key) == "not a key");
  const temporary_directory other;
  static_cast<void>(load_or_make_api_certificate(other.path / "c", other.path / "k"));
  try {
    static_cast<void>(load_or_make_api_certificate(cert, other.path / "k"));
    FAIL("a foreign key was accepted");
  } catch (const tls_error& error) {
    CHECK(std::string(error.what()).find("do not belong together") != std::string::npos);
  }
}

TEST_CASE("LIC-01 a public key is read from PEM, and says what a text is that holds none") {
  const auto key = private_key::generate();
  const auto open = public_key::from_pem(pem_of(key.handle()));
  const auto bytes = sign(key, "text");
  const std::string signature(bytes.begin(), bytes.end());
  CHECK(open.signed_this("text", signature));
  CHECK(!open.signed_this("texts", signature));
  CHECK(!open.signed_this("text", signature.substr(1)));
  CHECK(!open.signed_this("text", ""));
  CHECK(!public_key::from_pem(pem_of(private_key::generate().handle())).signed_this("text", signature));

  const auto trouble = [](const std::string& pem) {
    try {
      static_cast<void>(public_key::from_pem(pem));
    } catch (const identity_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::shared_ptr<EVP_PKEY> other(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free);
  CHECK(trouble(pem_of(other.get())).find("not an Ed25519 key") != std::string::npos);
  CHECK(trouble("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").find("issuer alone") !=
        std::string::npos);
  const auto whole = pem_of(key.handle());
  for (const auto& bad : {std::string(), std::string("a key"), whole.substr(0, whole.size() / 2)})
    CHECK(trouble(bad).find("no public key in PEM") != std::string::npos);
}

TEST_CASE("CFG-19 a consensus address is an IP literal with a port, present on this host") {
  std::string why;
  CHECK(parse_address("127.0.0.1:8093", why) == net_address{"127.0.0.1", 8093});
  CHECK(parse_address("[::1]:1", why)->text() == "[::1]:1");
  for (const char* bad : {"host:1", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:abc", "1.2.3.4:1x",
                          "1.2.3:1", "::1:80", "", ":1", "1.2.3.4:", "1.2.3.4:-1", "[::1]", "[::1:80"}) {
    CAPTURE(bad);
    why.clear();
    CHECK(!parse_address(bad, why));
    CHECK(!why.empty());
  }
  CHECK(parse_address("127.0.0.1:0", why, true));
  CHECK(can_bind("127.0.0.77"));
  CHECK(!can_bind("192.0.2.1"));
  CHECK(!can_bind("nonsense"));
}

} // namespace holdfast::net
