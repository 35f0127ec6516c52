#include "messages/wire.hpp"

namespace holdfast::msg {

void wire_writer::fixed(std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    u8(static_cast<std::uint8_t>(value >> (8U * i)));
}

void wire_writer::varint(std::uint64_t value) {
  while (value >= 0x80U) {
    u8(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  u8(static_cast<std::uint8_t>(value));
}

void wire_writer::zigzag(std::int64_t value) {
  const auto sign = value < 0 ? ~std::uint64_t{0} : std::uint64_t{0};
  varint((static_cast<std::uint64_t>(value) << 1U) ^ sign);
}

void wire_writer::text(std::string_view value) {
  varint(value.size());
  raw(as_bytes(value));
}

std::uint64_t wire_reader::fixed(unsigned bytes) {
  if (!ok())
    return 0;
  if (remaining() < bytes) {
    fail(wire_fault::short_input);
    return 0;
  }
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= static_cast<std::uint64_t>(in_[at_ + i]) << (8U * i);
  at_ += bytes;
  return value;
}

std::uint64_t wire_reader::varint() {
  if (!ok())
    return 0;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 10; ++i) {
    if (at_ + i >= in_.size()) {
      fail(wire_fault::short_input);
      return 0;
    }
    const auto byte = static_cast<std::uint64_t>(in_[at_ + i]);
    const bool overflows = i == 9 && byte > 1;
    const bool padded = i > 0 && byte == 0;
    if (overflows || padded)
      break;
    value |= (byte & 0x7FU) << (7U * i);
    if (byte < 0x80U) {
      at_ += i + 1;
      return value;
    }
  }
  fail(wire_fault::malformed);
  return 0;
}

std::int64_t wire_reader::zigzag() {
  const std::uint64_t value = varint();
  const auto sign = (value & 1U) != 0 ? ~std::uint64_t{0} : std::uint64_t{0};
  return static_cast<std::int64_t>((value >> 1U) ^ sign);
}

std::uint64_t wire_reader::varint_up_to(std::uint64_t limit) {
  const std::size_t start = at_;
  const std::uint64_t value = varint();
  if (value <= limit)
    return value;
  at_ = start;
  fail(wire_fault::over_limit);
  return 0;
}

std::string_view wire_reader::text(std::size_t limit) {
  const byte_view bytes = raw(static_cast<std::size_t>(varint_up_to(limit)));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

byte_view wire_reader::raw(std::size_t size) {
  if (!ok())
    return {};
  if (remaining() < size) {
    fail(wire_fault::short_input);
    return {};
  }
  const byte_view bytes = in_.subspan(at_, size);
  at_ += size;
  return bytes;
}

} // namespace holdfast::msg
