#include "net/peer_frame.hpp"

namespace holdfast::net {

void append_frame(std::string& out, std::uint8_t type, std::uint8_t flags, std::string_view body) {
  const auto size = static_cast<std::uint32_t>(body.size());
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(size >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  out.append(2, '\0');
  out.append(body);
}

frame_result decode_frame(std::string_view input, std::size_t max_body) {
  frame_result result;
  result.wanted = frame_header_bytes;
  if (input.size() < frame_header_bytes)
    return result;
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(input[at]));
  };
  const std::size_t size = byte(0) | byte(1) << 8U | byte(2) << 16U | byte(3) << 24U;
  if (input[6] != 0 || input[7] != 0) {
    result.status = frame_status::malformed;
    return result;
  }
  if (size > max_body) {
    result.status = frame_status::too_long;
    return result;
  }
  result.wanted = frame_header_bytes + size;
  if (input.size() < result.wanted)
    return result;
  result.status = frame_status::whole;
  result.consumed = result.wanted;
  result.frame = {static_cast<std::uint8_t>(byte(4)), static_cast<std::uint8_t>(byte(5)),
                  input.substr(frame_header_bytes, size)};
  return result;
}

} // namespace holdfast::net
