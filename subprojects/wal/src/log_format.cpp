#include "log_format.hpp"

#include "little_endian.hpp"
#include "wal/crc32c.hpp"

namespace holdfast::wal {
namespace {

constexpr std::string_view log_magic = "HOLDLOG_";
constexpr std::uint32_t log_version = 1;
constexpr std::uint16_t frame_mark = 0x5248;
constexpr std::uint8_t cut_flag = 1;
constexpr std::byte end_mark{0xA5};

error corrupt(const char* what) {
  return {error_kind::corrupt, 0, what};
}

} // namespace

bytes encode_log_header(const log_header& header) {
  bytes out(log_header_bytes);
  le::put_text(out, 0, log_magic);
  le::put(out, 8, log_version);
  le::put(out, 12, static_cast<std::uint32_t>(log_header_bytes));
  le::put(out, 16, header.gen.value);
  le::put(out, 24, header.base_index.value);
  le::put(out, 32, header.base_term.value);
  le::put(out, 40, header.base_chain.value);
  le::put(out, 44, header.small_step);
  le::put(out, 48, header.large_step);
  le::put(out, 52, header.spare);
  le::put(out, 60, crc32c(byte_view(out).first(60)));
  return out;
}

result<log_header> decode_log_header(byte_view data) {
  if (data.size() < log_header_bytes)
    return corrupt("log header: too short");
  if (le::get_text(data, 0, log_magic.size()) != log_magic)
    return corrupt("log header: not a log file");
  if (le::get<std::uint32_t>(data, 60) != crc32c(data.first(60)))
    return corrupt("log header: checksum does not match");
  if (le::get<std::uint32_t>(data, 8) != log_version ||
      le::get<std::uint32_t>(data, 12) != log_header_bytes || le::get<std::uint32_t>(data, 56) != 0)
    return corrupt("log header: unknown version");
  log_header header;
  header.gen = {le::get<std::uint64_t>(data, 16)};
  header.base_index = {le::get<std::uint64_t>(data, 24)};
  header.base_term = {le::get<std::uint64_t>(data, 32)};
  header.base_chain = {le::get<std::uint32_t>(data, 40)};
  header.small_step = le::get<std::uint32_t>(data, 44);
  header.large_step = le::get<std::uint32_t>(data, 48);
  header.spare = le::get<std::uint32_t>(data, 52);
  if (header.small_step == 0 || header.large_step < header.small_step)
    return corrupt("log header: impossible step sizes");
  return header;
}

std::uint32_t crc_of_log_header(const log_header& header) {
  return le::get<std::uint32_t>(encode_log_header(header), 60);
}

std::uint64_t ruled_size(const log_header& header, std::uint64_t end) noexcept {
  const std::uint64_t wanted = end + header.spare;
  const std::uint64_t step = wanted <= header.large_step ? header.small_step : header.large_step;
  return (wanted + step - 1) / step * step;
}

chain_value encode_frame(bytes& out, const record_view& entry, std::uint32_t file_crc, chain_value before) {
  const std::size_t start = out.size();
  out.resize(start + frame_bytes(entry.payload.size()));
  const auto frame = std::span(out).subspan(start);
  le::put(frame, 0, static_cast<std::uint32_t>(entry.payload.size()));
  le::put(frame, 4, entry.kind);
  le::put(frame, 5, static_cast<std::uint8_t>(entry.cut ? cut_flag : 0));
  le::put(frame, 6, frame_mark);
  le::put(frame, 8, entry.index.value);
  le::put(frame, 16, entry.term.value);
  le::put(frame, 24, crc32c(byte_view(frame).first(24), file_crc));
  std::copy(entry.payload.begin(), entry.payload.end(), frame.begin() + frame_header_bytes);
  frame.back() = end_mark;
  auto crc = crc32c(byte_view(frame).first(28), before.value);
  crc = crc32c(byte_view(frame).subspan(frame_header_bytes), crc);
  le::put(frame, 28, crc);
  return {crc};
}

std::optional<frame_header> decode_frame_header(byte_view data, std::uint32_t file_crc) {
  if (le::get<std::uint16_t>(data, 6) != frame_mark)
    return std::nullopt;
  if (le::get<std::uint32_t>(data, 24) != crc32c(data.first(24), file_crc))
    return std::nullopt;
  const auto flags = le::get<std::uint8_t>(data, 5);
  if ((flags & ~cut_flag) != 0)
    return std::nullopt;
  frame_header header;
  header.payload_bytes = le::get<std::uint32_t>(data, 0);
  header.kind = le::get<std::uint8_t>(data, 4);
  header.cut = (flags & cut_flag) != 0;
  header.index = {le::get<std::uint64_t>(data, 8)};
  header.term = {le::get<std::uint64_t>(data, 16)};
  header.chain = {le::get<std::uint32_t>(data, 28)};
  return header;
}

bool frame_holds(byte_view frame, const frame_header& header, chain_value before) {
  if (frame.size() != frame_bytes(header.payload_bytes) || frame.back() != end_mark)
    return false;
  const auto crc = crc32c(frame.first(28), before.value);
  return crc32c(frame.subspan(frame_header_bytes), crc) == header.chain.value;
}

} // namespace holdfast::wal
