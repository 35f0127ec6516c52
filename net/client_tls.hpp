// The dialling side's TLS context for HTTPS. Internal to the room.
#pragma once

#include "net/http_client.hpp"
#include "net/tls_context.hpp"

#include <string>

typedef struct ssl_st SSL;

namespace holdfast::net {

/// Throws tls_error.
[[nodiscard]] tls_context_ptr make_client_context(const http_client_options& options);

/// Sets name and checks for one connection.
void prepare_client(SSL* ssl, const http_client_options& options, const http_url& where);

/// After the handshake: empty when the server is who it must be. `fingerprint` gets what it showed.
[[nodiscard]] std::string judge_server(SSL* ssl, const http_client_options& options, const http_url& where,
                                       std::string& fingerprint);

} // namespace holdfast::net
