#include "tools/holdfast/base64.hpp"

#include <openssl/evp.h>

namespace holdfast::cli {

std::string base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0'); // EVP_EncodeBlock ends with a NUL of its own
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

} // namespace holdfast::cli
