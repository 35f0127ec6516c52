#include "actors/peer/bulk_frame.hpp"

#include "messages/wire.hpp"

namespace holdfast::peer {

namespace {

constexpr std::size_t longest_config = std::size_t{1} << 20;
constexpr std::size_t longest_chunk = std::size_t{8} << 20;

} // namespace

std::string encode_handled(std::uint64_t index) {
  std::string out;
  for (unsigned i = 0; i < sizeof index; ++i)
    out.push_back(static_cast<char>(index >> (8U * i)));
  return out;
}

std::optional<std::uint64_t> decode_handled(std::string_view body) {
  std::uint64_t index = 0;
  if (body.size() != sizeof index)
    return std::nullopt;
  for (std::size_t i = 0; i < sizeof index; ++i)
    index |= std::uint64_t{static_cast<unsigned char>(body[i])} << (8U * i);
  return index;
}

std::string encode_chunk(const msg::snapshot_bytes& chunk) {
  msg::byte_buffer bytes;
  bytes.reserve(chunk.bytes.size() + 512);
  msg::wire_writer out{bytes};
  out.u64(chunk.meta.id.value);
  out.u64(chunk.meta.index.value);
  out.u64(chunk.meta.term.value);
  out.u64(chunk.meta.size.value);
  out.text(raft::encode_config(chunk.meta.members));
  out.u64(chunk.offset);
  out.text(chunk.bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<msg::snapshot_bytes> decode_chunk(std::string_view body, const raft::limits& lim) {
  msg::wire_reader in{msg::as_bytes(body)};
  msg::snapshot_bytes chunk;
  chunk.meta.id = {in.u64()};
  chunk.meta.index = {in.u64()};
  chunk.meta.term = {in.u64()};
  chunk.meta.size = {in.u64()};
  const auto members = in.text(longest_config);
  chunk.offset = in.u64();
  const auto bytes = in.text(longest_chunk);
  if (!in.ok() || !in.at_end() || chunk.offset > chunk.meta.size.value ||
      bytes.size() > chunk.meta.size.value - chunk.offset) {
    return std::nullopt;
  }
  auto config = raft::decode_config(members, lim);
  if (!std::holds_alternative<raft::config>(config)) {
    return std::nullopt;
  }
  chunk.meta.members = std::get<raft::config>(std::move(config));
  chunk.bytes = std::string{bytes};
  return chunk;
}

} // namespace holdfast::peer
