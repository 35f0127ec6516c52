#include "sim/machine.hpp"

#include "sim/random.hpp"

#include <cassert>
#include <cstring>

namespace holdfast::raft::sim {

namespace {

constexpr std::size_t command_size = 32;
constexpr std::uint64_t state_magic = 0x686f6c6466617374ULL;

void put_word(std::string& out, std::uint64_t word) {
  for (int shift = 0; shift < 64; shift += 8)
    out.push_back(static_cast<char>((word >> shift) & 0xff));
}

std::uint64_t get_word(std::string_view from, std::size_t at) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i)
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[at + i])) << (8 * i);
  return word;
}

std::uint64_t check_of(std::string_view bytes) {
  std::uint64_t hash = bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8)
    hash = chain64(hash, get_word(bytes, at));
  for (; at < bytes.size(); ++at)
    hash = chain64(hash, static_cast<unsigned char>(bytes[at]));
  return hash;
}

} // namespace

std::string encode(const command& from) {
  std::string out;
  out.reserve(command_size);
  put_word(out, static_cast<std::uint64_t>(from.kind) | std::uint64_t{from.key} << 8 |
                    std::uint64_t{from.client} << 16 | std::uint64_t{from.sequence} << 24 |
                    std::uint64_t{from.attempt} << 48);
  put_word(out, from.value);
  put_word(out, from.expected);
  put_word(out, check_of(out));
  return out;
}

std::optional<command> decode_command(std::string_view bytes) {
  if (bytes.size() != command_size || get_word(bytes, 24) != check_of(bytes.substr(0, 24)))
    return std::nullopt;
  const auto head = get_word(bytes, 0);
  command result;
  result.kind = static_cast<command_kind>(head & 0xff);
  result.key = static_cast<std::uint8_t>((head >> 8) & 0xff);
  result.client = static_cast<std::uint8_t>((head >> 16) & 0xff);
  result.attempt = static_cast<std::uint16_t>(head >> 48);
  result.sequence = static_cast<std::uint32_t>(head >> 24 & 0xffffff);
  result.value = get_word(bytes, 8);
  result.expected = get_word(bytes, 16);
  if (result.key >= key_count || result.client >= client_count)
    return std::nullopt;
  return result;
}

answer machine::apply(std::uint64_t index, std::string_view payload) {
  const auto decoded = decode_command(payload);
  assert(decoded && "a command came out of the log damaged");
  skip(index);
  auto& slot = sessions_[decoded->client];
  answer result;
  if (decoded->sequence < slot.sequence) {
    result.stale = result.repeated = true;
  } else if (decoded->sequence == slot.sequence) {
    result.repeated = true;
    result.done = slot.done;
  } else {
    auto& reg = registers_[decoded->key];
    result.done = decoded->kind == command_kind::put || reg == decoded->expected;
    if (result.done)
      reg = decoded->value;
    slot = {decoded->sequence, result.done, index};
    hash_ = chain64(hash_, decoded->value ^ (result.done ? 1u : 0u));
  }
  result.index = slot.index;
  return result;
}

void machine::skip(std::uint64_t index) {
  assert(index == applied_ + 1);
  applied_ = index;
  hash_ = chain64(hash_, index);
}

std::string machine::save(std::size_t padding) const {
  std::string out;
  put_word(out, state_magic);
  put_word(out, applied_);
  put_word(out, hash_);
  for (const auto word : registers_)
    put_word(out, word);
  for (const auto& slot : sessions_) {
    put_word(out, std::uint64_t{slot.sequence} << 1 | (slot.done ? 1u : 0u));
    put_word(out, slot.index);
  }
  for (std::uint64_t filler = applied_; out.size() < padding;)
    put_word(out, filler = mix64(filler));
  put_word(out, check_of(out));
  return out;
}

std::optional<machine> machine::load(std::string_view bytes) {
  constexpr std::size_t least = 8 * (3 + key_count + 2 * client_count + 1);
  if (bytes.size() < least || bytes.size() % 8 != 0 || get_word(bytes, 0) != state_magic ||
      get_word(bytes, bytes.size() - 8) != check_of(bytes.substr(0, bytes.size() - 8)))
    return std::nullopt;
  machine result;
  result.applied_ = get_word(bytes, 8);
  result.hash_ = get_word(bytes, 16);
  std::size_t at = 24;
  for (auto& word : result.registers_) {
    word = get_word(bytes, at);
    at += 8;
  }
  for (auto& slot : result.sessions_) {
    const auto word = get_word(bytes, at);
    slot = {static_cast<std::uint32_t>(word >> 1), (word & 1) != 0, get_word(bytes, at + 8)};
    at += 16;
  }
  return result;
}

} // namespace holdfast::raft::sim
