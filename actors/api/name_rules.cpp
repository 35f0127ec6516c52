#include "actors/api/name_rules.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>

#include <fmt/format.h>

#include <array>
#include <clocale>
#include <cwctype>
#include <stdexcept>
#include <vector>

namespace holdfast::api {
namespace {

/// The C library's Unicode tables, whatever locale the process runs in.
locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

bool letter_or_number(unsigned c) {
  if (c < 0x80)
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const locale_t locale = unicode_locale();
  return locale && iswalnum_l(static_cast<wint_t>(c), locale) != 0;
}

bool letter(unsigned c) {
  if (c < 0x80)
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const locale_t locale = unicode_locale();
  return locale && iswalpha_l(static_cast<wint_t>(c), locale) != 0;
}

std::optional<std::vector<unsigned>> code_points(std::string_view text) {
  std::vector<unsigned> out;
  rapidjson::MemoryStream in(text.data(), text.size());
  while (in.Tell() < text.size()) {
    unsigned c = 0;
    if (!rapidjson::UTF8<>::Decode(in, &c) || in.Tell() > text.size())
      return std::nullopt;
    out.push_back(c);
  }
  return out;
}

std::string_view extra_characters(key_rule rule) {
  switch (rule) {
  case key_rule::user:
    return "- _.@";
  case key_rule::param:
    return "- _./";
  case key_rule::endpoint:
    return "- _.:";
  default:
    return "- _.";
  }
}

bool hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <std::size_t N>
std::array<unsigned char, N> random_bytes() {
  std::array<unsigned char, N> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(N)) != 1)
    throw std::runtime_error("no random bytes available");
  return bytes;
}

} // namespace

bool valid_name(key_rule rule, std::string_view name) {
  if (rule == key_rule::any)
    return !name.empty();
  if (rule == key_rule::uuid)
    return is_uuid(name);
  if (rule == key_rule::address)
    return address_key(name).has_value();
  const auto points = code_points(name);
  if (!points || points->size() < 2)
    return false;
  const bool number_first = rule == key_rule::number_name || rule == key_rule::endpoint;
  if (!(number_first ? letter_or_number(points->front()) : letter(points->front())))
    return false;
  const auto extra = extra_characters(rule);
  for (const unsigned c : *points)
    if (!letter_or_number(c) && (c >= 0x80 || extra.find(static_cast<char>(c)) == std::string_view::npos))
      return false;
  return true;
}

std::optional<std::string> address_key(std::string_view text) {
  in_addr parsed{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &parsed) != 1)
    return std::nullopt;
  return fmt::format("{:08X}", ntohl(parsed.s_addr));
}

bool is_address(std::string_view text) {
  in6_addr parsed{};
  const std::string copy(text);
  return inet_pton(AF_INET, copy.c_str(), &parsed) == 1 || inet_pton(AF_INET6, copy.c_str(), &parsed) == 1;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !hex_digit(text[i]))
      return false;
  }
  return true;
}

std::string random_uuid() {
  auto b = random_bytes<16>();
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out += '-';
    out += fmt::format("{:02x}", b[i]);
  }
  return out;
}

std::string random_secret(std::size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  if (RAND_bytes(raw.data(), static_cast<int>(raw.size())) != 1)
    throw std::runtime_error("no random bytes available");
  std::string out(4 * ((bytes + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw.data(), static_cast<int>(raw.size()));
  out.resize(static_cast<std::size_t>(size));
  while (!out.empty() && out.back() == '=')
    out.pop_back();
  for (auto& c : out)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string stored_key(const prefix_desc& desc, std::string_view asked) {
  if (desc.rule == key_rule::address)
    if (auto key = address_key(asked))
      return *key;
  std::string key(asked);
  if (desc.rule == key_rule::uuid && is_uuid(key))
    for (auto& c : key)
      c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  return key;
}

} // namespace holdfast::api
