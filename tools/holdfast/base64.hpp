// Base64 (RFC 4648), by OpenSSL.
#pragma once

#include <string>

namespace holdfast::cli {

[[nodiscard]] std::string base64(const std::string& bytes);

} // namespace holdfast::cli
