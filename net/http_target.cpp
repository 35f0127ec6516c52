#include "net/http_target.hpp"

#include <algorithm>
#include <cstdint>

namespace holdfast::net {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

constexpr std::string_view bad_escape = "bad percent escape in the request target";
constexpr std::string_view bad_control = "control character in the request target";
constexpr std::string_view bad_utf8 = "the request target is not valid UTF-8";
constexpr std::string_view bad_dots = "'.' or '..' segment in the path";
constexpr std::string_view bad_start = "the path must start with '/'";

/// Decodes into `out`; the result names what is wrong, empty when nothing is.
std::string_view percent_decode(std::string_view in, bool plus_is_blank, std::string& out) {
  out.clear();
  out.reserve(in.size());
  bool plain_ascii = true;
  for (std::size_t i = 0; i < in.size(); ++i) {
    char c = in[i];
    if (c == '%') {
      if (i + 2 >= in.size() || hex_value(in[i + 1]) < 0 || hex_value(in[i + 2]) < 0)
        return bad_escape;
      c = static_cast<char>(hex_value(in[i + 1]) * 16 + hex_value(in[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0 || (!plus_is_blank && (byte < 0x20 || byte == 0x7f)))
      return bad_control;
    plain_ascii = plain_ascii && byte < 0x80;
    out.push_back(c);
  }
  return plain_ascii || valid_utf8(out) ? std::string_view{} : bad_utf8;
}

bool has_dot_segment(std::string_view path) {
  std::size_t at = 0;
  while (at <= path.size()) {
    auto end = path.find('/', at);
    if (end == std::string_view::npos)
      end = path.size();
    const auto segment = path.substr(at, end - at);
    if (segment == "." || segment == "..")
      return true;
    at = end + 1;
  }
  return false;
}

std::string_view decode_query(std::string_view text,
                              std::vector<std::pair<std::string, std::string>>& query) {
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty())
      continue;
    const auto equals = std::min(pair.find('='), pair.size());
    std::pair<std::string, std::string> decoded;
    auto why = percent_decode(pair.substr(0, equals), true, decoded.first);
    if (why.empty() && equals < pair.size())
      why = percent_decode(pair.substr(equals + 1), true, decoded.second);
    if (!why.empty())
      return why;
    query.push_back(std::move(decoded));
  }
  return {};
}

/// "https://host/path" becomes "/path" (RFC 9112 §3.2.2 obliges a server to take it).
std::string_view strip_origin(std::string_view target) {
  for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")}) {
    if (!target.starts_with(scheme))
      continue;
    const auto slash = target.find_first_of("/?", scheme.size());
    return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target;
}

std::string encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (keep_slash && c == '/');
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 15U]);
  }
  return out;
}

} // namespace

bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    std::size_t more = 0;
    std::uint32_t code = 0;
    std::uint32_t least = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1, code = lead & 0x1fU, least = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2, code = lead & 0x0fU, least = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3, code = lead & 0x07U, least = 0x10000;
    } else {
      return false;
    }
    if (text.size() - i <= more)
      return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0U) != 0x80U)
        return false;
      code = (code << 6U) | (next & 0x3fU);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    i += more + 1;
  }
  return true;
}

std::string_view decode_target(std::string_view target, http_head& head) {
  target = strip_origin(target);
  if (const auto fragment = target.find('#'); fragment != std::string_view::npos)
    target = target.substr(0, fragment);
  const auto mark = std::min(target.find('?'), target.size());
  std::string path;
  if (const auto why = percent_decode(target.substr(0, mark), false, path); !why.empty())
    return why;
  if (path.empty() && mark < target.size())
    path.push_back('/');
  if (path != "*" && !path.starts_with('/'))
    return bad_start;
  if (has_dot_segment(path))
    return bad_dots;
  std::vector<std::pair<std::string, std::string>> query;
  if (mark < target.size())
    if (const auto why = decode_query(target.substr(mark + 1), query); !why.empty())
      return why;
  head.path = std::move(path);
  head.query = std::move(query);
  return {};
}

std::string encode_path(std::string_view path) {
  return encode(path, true);
}
std::string encode_query(std::string_view text) {
  return encode(text, false);
}

} // namespace holdfast::net
