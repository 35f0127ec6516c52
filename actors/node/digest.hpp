// SHA-256 as lower-case hexadecimal text (FIPS 180-4, by OpenSSL). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::node {

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

} // namespace holdfast::node
