#include <raft/types.hpp>

namespace holdfast::raft {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t text_length = 36;

bool is_dash_position(std::size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

std::string format(std::uint64_t high, std::uint64_t low) {
  std::string text(text_length, '-');
  unsigned nibble = 0;
  for (std::size_t i = 0; i < text_length; ++i) {
    if (is_dash_position(i))
      continue;
    const std::uint64_t half = nibble < 16 ? high : low;
    text[i] = hex_digits[(half >> (60U - 4U * (nibble % 16U))) & 0xFU];
    ++nibble;
  }
  return text;
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9')
    return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<unsigned>(c - 'a') + 10U;
  if (c >= 'A' && c <= 'F')
    return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

template <class Id>
std::optional<Id> parse(std::string_view text) {
  if (text.size() != text_length)
    return std::nullopt;
  Id id;
  unsigned nibble = 0;
  for (std::size_t i = 0; i < text_length; ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-')
        return std::nullopt;
      continue;
    }
    const auto value = hex_value(text[i]);
    if (!value)
      return std::nullopt;
    std::uint64_t& half = nibble < 16 ? id.high : id.low;
    half = (half << 4U) | *value;
    ++nibble;
  }
  return id;
}

} // namespace

std::string to_string(node_id id) {
  return format(id.high, id.low);
}
std::string to_string(cluster_id id) {
  return format(id.high, id.low);
}
std::optional<node_id> parse_node_id(std::string_view text) {
  return parse<node_id>(text);
}
std::optional<cluster_id> parse_cluster_id(std::string_view text) {
  return parse<cluster_id>(text);
}

} // namespace holdfast::raft
