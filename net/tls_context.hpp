// TLS contexts and the slot from which each new handshake takes the current one. Swapping a context never
// touches a live connection: a stream keeps the context it was born with (field notes A3).
#pragma once

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace holdfast::net {

using tls_context_ptr = std::shared_ptr<boost::asio::ssl::context>;

/// A certificate or key that cannot be used; the text says which and why, never any key material.
class tls_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Certificate chain (leaf first) and private key as PEM text. The key's bytes are wiped on destruction.
struct pem_pair {
  std::string cert;
  std::string key;

  pem_pair() = default;
  pem_pair(std::string cert_pem, std::string key_pem);
  pem_pair(const pem_pair&) = default;
  pem_pair(pem_pair&&) = default;
  pem_pair& operator=(const pem_pair&) = default;
  pem_pair& operator=(pem_pair&&) = default;
  ~pem_pair();
};

/// Holds the current context. Any thread: servers on several loops may share one.
class tls_slot {
public:
  explicit tls_slot(tls_context_ptr first) : current_(std::move(first)) {}
  [[nodiscard]] tls_context_ptr get() const {
    const std::lock_guard hold(mutex_);
    return current_;
  }
  void set(tls_context_ptr next) {
    const std::lock_guard hold(mutex_);
    current_.swap(next);
  }

private:
  mutable std::mutex mutex_;
  tls_context_ptr current_;
};

/// Name a member asks for (SNI, RFC 6066) when it wants to meet a fellow member and not the public API
/// certificate.
inline constexpr const char* cluster_server_name = "cluster.holdfast.internal";

/// Server side of the API: TLS 1.3 and 1.2, this certificate, no client certificate asked for, ALPN http/1.1.
/// Callers that ask for cluster_server_name get the context in `cluster` instead (a peer context: TLS 1.3,
/// mutual), while it holds one; the request then carries http_head::peer_node. Throws tls_error when the PEM
/// does not parse or key and certificate do not belong together.
[[nodiscard]] tls_context_ptr make_api_context(const pem_pair& pem,
                                               std::shared_ptr<tls_slot> cluster = nullptr);

} // namespace holdfast::net
