#include "messages/entry_kinds.hpp"

namespace holdfast::msg {
namespace {

constexpr std::uint8_t payload_version = 1;
constexpr std::string_view hex_digits = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool dash_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

activation read_activation(wire_reader& r) {
  activation act;
  const byte_view id = r.raw(act.node.bytes.size());
  for (std::size_t i = 0; i < id.size(); ++i)
    act.node.bytes[i] = static_cast<std::uint8_t>(id[i]);
  act.epoch = r.u64();
  return act;
}

log_command read_small(entry_kind kind, wire_reader& r) {
  switch (kind) {
  case entry_kind::compact:
    return compact_mark{r.u64()};
  case entry_kind::state_hash: {
    state_hash_mark mark;
    mark.index = r.u64();
    mark.digest.commands = r.u64();
    mark.digest.contents = r.u64();
    return mark;
  }
  case entry_kind::version_gate:
    return version_gate{r.u32()};
  case entry_kind::activate:
    return read_activation(r);
  case entry_kind::command:
    break;
  }
  r.refuse();
  return {};
}

} // namespace

std::optional<node_uid> parse_node_uid(std::string_view text) {
  node_uid id;
  std::size_t at = 0;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (dash_before(i) && (at >= text.size() || text[at++] != '-'))
      return std::nullopt;
    if (at + 2 > text.size())
      return std::nullopt;
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  if (at != text.size())
    return std::nullopt;
  return id;
}

std::string to_string(const node_uid& id) {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (dash_before(i))
      text += '-';
    text += hex_digits[id.bytes[i] / 16U];
    text += hex_digits[id.bytes[i] % 16U];
  }
  return text;
}

void encode(const compact_mark& mark, byte_buffer& out) {
  wire_writer w{out};
  w.u8(payload_version);
  w.u64(mark.generation);
}

void encode(const state_hash_mark& mark, byte_buffer& out) {
  wire_writer w{out};
  w.u8(payload_version);
  w.u64(mark.index);
  w.u64(mark.digest.commands);
  w.u64(mark.digest.contents);
}

void encode(const version_gate& gate, byte_buffer& out) {
  wire_writer w{out};
  w.u8(payload_version);
  w.u32(gate.format);
}

void encode(const activation& act, byte_buffer& out) {
  wire_writer w{out};
  w.u8(payload_version);
  w.raw(std::as_bytes(std::span{act.node.bytes}));
  w.u64(act.epoch);
}

decoded_entry decode_entry(std::uint8_t kind, byte_view payload, const transaction_limits& limits) {
  const auto known = static_cast<entry_kind>(kind);
  if (known == entry_kind::command) {
    auto decoded = decode_transaction(payload, limits);
    return {decoded.error, false, std::move(decoded.tx)};
  }
  if (kind < static_cast<std::uint8_t>(entry_kind::command) ||
      kind > static_cast<std::uint8_t>(entry_kind::activate))
    return {codec_error::malformed, true, {}};
  wire_reader r{payload};
  const std::uint8_t version = r.u8();
  if (r.ok() && version != payload_version)
    return {codec_error::unknown_version, false, {}};
  decoded_entry result;
  result.command = read_small(known, r);
  result.error = to_codec_error(r.fault());
  if (result.error == codec_error::none && !r.at_end())
    result.error = codec_error::trailing_bytes;
  return result;
}

} // namespace holdfast::msg
