#include "net/openssl_text.hpp"

#include <openssl/err.h>

namespace holdfast::net {

std::string openssl_error() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "no further reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

} // namespace holdfast::net
