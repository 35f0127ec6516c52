// Any bytes as a metadata copy: bounded, and what is accepted is written again as the same bytes.
#include "little_endian.hpp"
#include "seeds.hpp"
#include "wal/crc32c.hpp"
#include "wal/meta_pair.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast::wal;

namespace {

void try_decoding(const bytes& image) {
  const auto decoded = decode_meta(image);
  if (!decoded)
    return;
  const auto& value = decoded->value;
  if (value.cluster_id.size() > meta_id_max_bytes || value.vote.size() > meta_id_max_bytes ||
      value.host.size() > meta_host_max_bytes)
    std::abort();
  const auto again = decode_meta(encode_meta(value, decoded->counter));
  if (!again || again->value != value || again->counter != decoded->counter)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes image(size);
  std::transform(data, data + size, image.begin(), [](std::uint8_t b) { return std::byte{b}; });
  try_decoding(image);
  image.resize(meta_file_bytes);
  le::put(std::span(image), meta_file_bytes - 4, crc32c(byte_view(image).first(meta_file_bytes - 4)));
  try_decoding(image);
  return 0;
}

std::vector<std::vector<std::uint8_t>> fuzz::seeds() {
  meta m;
  m.cluster_id = std::string(meta_id_max_bytes, 'c');
  m.node_id = "node";
  m.vote = "vote";
  m.host = std::string(100, 'h');
  m.term = {12};
  m.hint = {{3}, {2}};
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto& image : {encode_meta({}, 0), encode_meta(m, 9)}) {
    auto& seed = all.emplace_back(image.size());
    std::transform(image.begin(), image.end(), seed.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  }
  return all;
}
