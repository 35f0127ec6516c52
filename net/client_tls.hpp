// The dialling side's TLS context for HTTPS. Internal to the room.
#pragma once

#include "net/http_client.hpp"
#include "net/tls_context.hpp"

#include <string>

typedef struct ssl_st SSL;

namespace holdfast::net {

/// Name a member asks for (SNI, RFC 6066) when it wants to meet a fellow member instead of the public API
/// certificate.
inline constexpr const char* cluster_server_name = "cluster.holdfast.internal";

/// Throws tls_error.
[[nodiscard]] tls_context_ptr make_client_context(const http_client_options& options);

/// Sets name and checks for one connection to `host` (a name or an IP literal).
void prepare_client(SSL* ssl, const http_client_options& options, const std::string& host);

/// After the handshake: empty when the server is who it must be. `fingerprint` gets what it showed.
[[nodiscard]] std::string judge_server(SSL* ssl, const http_client_options& options,
                                       std::string& fingerprint);

} // namespace holdfast::net
