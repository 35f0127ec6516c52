// Building blocks of our binary formats: a writer that appends, and a bounded reader that never reads past
// its input, never allocates for a length it has not checked, and accepts one encoding of a value only.
//
//   u8, u16, u32, u64   fixed width, little endian
//   varint              unsigned LEB128 of at most ten bytes, shortest form only (a longer form is refused)
//   zigzag              a signed number as varint: 0, -1, 1, -2 … become 0, 1, 2, 3 …
//   text                varint length, then that many bytes (any bytes; callers check what they must mean)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::msg {

using byte_view = std::span<const std::byte>;
using byte_buffer = std::vector<std::byte>;

/// Appends to a buffer it does not own. Throws only std::bad_alloc. Any thread, one writer a buffer.
class wire_writer {
public:
  explicit wire_writer(byte_buffer& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void u16(std::uint16_t value) { fixed(value, 2); }
  void u32(std::uint32_t value) { fixed(value, 4); }
  void u64(std::uint64_t value) { fixed(value, 8); }
  void varint(std::uint64_t value);
  void zigzag(std::int64_t value);
  void text(std::string_view value);
  void raw(byte_view bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

private:
  void fixed(std::uint64_t value, unsigned bytes);
  byte_buffer& out_;
};

/// Why a reader stopped. `short_input` alone may be cured by more bytes.
enum class wire_fault : std::uint8_t { none, short_input, malformed, over_limit };

/// Reads from bytes it does not own. After the first fault every further read returns zero or empty and
/// position() stays where the fault was met, so callers may check once at the end of a group of reads.
class wire_reader {
public:
  explicit wire_reader(byte_view in) : in_(in) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(fixed(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(fixed(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t u64() { return fixed(8); }
  std::uint64_t varint();
  std::int64_t zigzag();
  /// A number that must not exceed `limit`; else over_limit.
  std::uint64_t varint_up_to(std::uint64_t limit);
  /// A view into the input, valid as long as the input is. Longer than `limit` bytes: over_limit.
  std::string_view text(std::size_t limit);
  /// Exactly `size` bytes of the input.
  byte_view raw(std::size_t size);

  /// Marks the input as malformed at this point, for a caller that found a value it cannot mean.
  void refuse() { fail(wire_fault::malformed); }

  [[nodiscard]] bool ok() const { return fault_ == wire_fault::none; }
  [[nodiscard]] wire_fault fault() const { return fault_; }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] std::size_t remaining() const { return in_.size() - at_; }
  [[nodiscard]] bool at_end() const { return at_ == in_.size(); }

private:
  std::uint64_t fixed(unsigned bytes);
  void fail(wire_fault fault) {
    if (fault_ == wire_fault::none)
      fault_ = fault;
  }

  byte_view in_;
  std::size_t at_ = 0;
  wire_fault fault_ = wire_fault::none;
};

/// The bytes of a string, without a copy.
[[nodiscard]] inline byte_view as_bytes(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

} // namespace holdfast::msg
