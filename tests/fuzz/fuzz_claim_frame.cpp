// Frames on the wire, and addresses as text: nothing reads outside its bytes, a claim is of the address asked
// for, and the guard's own questions are no claims.
#include "actors/vip/claim_frame.hpp"

#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <string>

using namespace holdfast::vip;

namespace {

const std::vector<vip_address>& addresses() {
  static const std::vector<vip_address> made{*parse_cidr("10.0.0.9/24"), *parse_cidr("fd00::9/64")};
  return made;
}

constexpr mac_address own{2, 0, 0, 0, 0, 9};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  int claimed = 0;
  for (const auto& address : addresses())
    claimed += claimed_by(bytes, address) ? 1 : 0;
  if (claimed > 1) // one frame is of one family
    std::abort();
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto address = parse_cidr(text); address && address->prefix > 128)
    std::abort();
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto& address : addresses()) {
    for (const auto& frame : announcements(address, own))
      all.push_back(frame);
    all.push_back(probe(address, own));
  }
  for (const std::string text : {"10.0.0.9/24", "fd00::9/64"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
