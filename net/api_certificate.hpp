// The API's certificate files: taken as they are when given, made when both are missing.
#pragma once

#include "net/tls_context.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace holdfast::net {

/// Names and IP literals a self-signed certificate answers for.
struct certificate_names {
  std::vector<std::string> dns;
  std::vector<std::string> ips;
};

/// localhost, the host's name, and every address of this host's interfaces (loopback included).
[[nodiscard]] certificate_names names_of_this_host();

/// A self-signed EC P-256 pair (every client of the last ten years can check it), valid from an hour ago.
/// Throws tls_error.
[[nodiscard]] pem_pair make_self_signed(const certificate_names& names,
                                        std::chrono::hours validity = std::chrono::hours{24 * 3650});

/// Loads the pair. When both files are missing a self-signed pair is made and written first (mode 0600,
/// temporary file, fsync, rename, directory fsync; the key first). A key alone, as a crash between the two
/// leaves it, gets a certificate made for it. A certificate alone, an unreadable file, or two that do not
/// match are errors, and no file is ever overwritten. Blocks on the disk: call it at start, before the loop
/// runs. Throws tls_error.
[[nodiscard]] pem_pair load_or_make_api_certificate(const std::filesystem::path& cert,
                                                    const std::filesystem::path& key);

/// Writes a pair the same durable way; the key first, so that a crash between the two is noticed as a
/// mismatch by the next start's load. Throws tls_error.
void write_api_certificate(const std::filesystem::path& cert, const std::filesystem::path& key,
                           const pem_pair& pem);

} // namespace holdfast::net
