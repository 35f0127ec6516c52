// DER certificates as they come with an introduction: parsed and described, or refused; nothing else.
#include "net/identity.hpp"

#include "tests/fuzz/seeds.hpp"

#include <cstdlib>

using namespace holdfast::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto parsed = certificate::from_der({data, size});
    if (parsed.info().fingerprint.size() != 64)
      std::abort();
    static_cast<void>(parsed.signed_by(parsed));
  } catch (const identity_error&) {
    return 0;
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  const std::chrono::system_clock::time_point when{std::chrono::seconds{1'700'000'000}};
  const auto root = make_root("cluster", when);
  return {make_node_certificate(root, "node", "127.0.0.1", when).cert.der(), root.cert.der()};
}
