// The transport of the real CLI: HTTPS through net's client, one blocking call at a time.
#pragma once

#include "tools/holdfast/session.hpp"

#include <memory>

namespace holdfast::cli {

/// Certificates are not checked, like the existing client (contract §0.1): the password or token is the
/// proof.
///
/// Retries: a request that surely never reached the server is sent again after 1, 1, 2, 3, 5 and 8 s, as is
/// any GET or HEAD. A write that may have arrived is repeated only when the server is known to honour the
/// Idempotency-Key that every write carries (it says `Server: holdfast…`); otherwise the error says that the
/// outcome is unknown.
[[nodiscard]] std::shared_ptr<transport> make_https_transport();

} // namespace holdfast::cli
