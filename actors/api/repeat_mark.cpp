#include "actors/api/repeat_mark.hpp"

#include "actors/api/crypto.hpp"

namespace holdfast::api {
namespace {

constexpr char mark_byte = '\x01';
constexpr std::size_t mark_digits = 32;

} // namespace

std::string repeat_mark(const net::http_head& head, std::string_view body_digest) {
  constexpr char separator = '\0'; // no part of a decoded target holds one
  std::string text = head.method_name;
  const auto add = [&](std::string_view part) {
    text += separator;
    text += part;
  };
  add(head.path);
  for (const auto& [name, value] : head.query) {
    add(name);
    add(value);
  }
  add(body_digest);
  const auto digest = sha256(text);
  return mark_byte + to_hex(as_text(digest).substr(0, mark_digits / 2));
}

bool take_mark(std::string& stored, std::string_view mark) {
  if (!stored.starts_with(mark_byte))
    return true;
  if (!stored.starts_with(mark))
    return false;
  stored.erase(0, mark.size());
  return true;
}

} // namespace holdfast::api
