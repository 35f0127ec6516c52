// The TLS side of a peer link: contexts, and verdicts in words people can act on. Internal to the room.
#pragma once

#include "net/identity.hpp"
#include "net/peer_link.hpp"

#include <optional>
#include <string>

typedef struct ssl_st SSL;

namespace holdfast::net {

/// Collects why OpenSSL refused the other side's certificate. Must live until the handshake is over; detaches
/// itself.
class verify_note {
public:
  explicit verify_note(SSL* ssl);
  ~verify_note();
  verify_note(const verify_note&) = delete;
  verify_note& operator=(const verify_note&) = delete;
  std::string why; ///< empty: no complaint

private:
  SSL* ssl_;
};

/// What a completed handshake proved about the other side.
struct proven_peer {
  certificate_info certificate;
  std::string root_fingerprint;
};
/// Empty, with `why` set, when the certificate does not carry `remote_ip` or is no node certificate (TLS-10).
[[nodiscard]] std::optional<proven_peer> prove_peer(SSL* ssl, const std::string& remote_ip, std::string& why);

/// An error of the handshake or of the first read after it, as one sentence. `note` wins when it holds
/// something; an alert from the other side is translated (it judged our certificate).
[[nodiscard]] std::string explain_handshake(const std::string& error_text, const verify_note& note);

} // namespace holdfast::net
