// Release tickets, datagrams from anywhere: nothing crashes, nothing but a ticket that was sealed opens.
#include "actors/vip/release_ticket.hpp"

#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast::vip;

namespace {

const std::vector<std::string>& keys() {
  static const std::vector<std::string> made{std::string(64, 'n'), std::string(64, 'o')};
  return made;
}

const std::vector<std::string>& sealed() {
  static const std::vector<std::string> made{
      sign_ticket({1, "", ""}, keys()[0]),
      sign_ticket({7, "f6f9fa6e-55cf-4b6a-8a55-6a2d5bfc1f0a", "0c2e3bd0-6d5c-4d0e-9c0e-2f5f3f4b8c11"},
                  keys()[1]),
      sign_ticket({~std::uint64_t{0}, std::string(200, 'c'), std::string(200, 'h')}, keys()[0])};
  return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& cluster :
       {std::string(), std::string("f6f9fa6e-55cf-4b6a-8a55-6a2d5bfc1f0a"), std::string(200, 'c')}) {
    const auto ticket = open_ticket(bytes, cluster, keys());
    if (ticket && (ticket->cluster_id != cluster ||
                   std::find(sealed().begin(), sealed().end(), bytes) == sealed().end()))
      std::abort();
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto& bytes : sealed())
    all.emplace_back(bytes.begin(), bytes.end());
  return all;
}
