// Frames of a peer link: no input reads outside its bytes, and what decodes encodes to the same bytes.
#include "net/peer_frame.hpp"

#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <string>

using namespace holdfast::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t limit = 4096;
  for (;;) {
    const auto found = decode_frame(input, limit);
    if (found.status == frame_status::need_more && (found.wanted <= input.size() || found.wanted > limit + 8))
      std::abort();
    if (found.status != frame_status::whole)
      return 0;
    std::string again;
    append_frame(again, found.frame.type, found.frame.flags, found.frame.body);
    if (again != input.substr(0, found.consumed))
      std::abort();
    input.remove_prefix(found.consumed);
  }
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::string wire;
  append_frame(wire, 2, 1, "body");
  std::vector<std::vector<std::uint8_t>> all{{wire.begin(), wire.end()}};
  append_frame(wire, 255, 0, "");
  append_frame(wire, 3, 0, std::string(300, 'x'));
  all.emplace_back(wire.begin(), wire.end());
  return all;
}
