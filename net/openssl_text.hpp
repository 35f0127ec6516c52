// OpenSSL's error queue as text.
#pragma once

#include <string>

namespace holdfast::net {

/// The first error of the calling thread's queue as text; empties the queue.
[[nodiscard]] std::string openssl_error();

} // namespace holdfast::net
