#include "actors/api/etag.hpp"

#include "actors/api/text_trim.hpp"
#include "actors/api/time_span.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

template <class Visit>
void each_part(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    visit(trimmed(list.substr(0, end), " \t"));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

/// A tag with or without the mark of a weak one; inside its quotes anything but quotes and controls (RFC 9110
/// §8.8.3).
bool is_tag(std::string_view part) {
  if (part.substr(0, 2) == "W/")
    part.remove_prefix(2);
  if (part.size() < 2 || part.front() != '"' || part.back() != '"')
    return false;
  part = part.substr(1, part.size() - 2);
  return std::none_of(part.begin(), part.end(),
                      [](char c) { return c == '"' || static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

} // namespace

std::string etag_of(msg::revision rev) {
  return '"' + std::to_string(rev.value) + '"';
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  bool found = false;
  each_part(if_none_match, [&](std::string_view part) {
    if (part.substr(0, 2) == "W/")
      part.remove_prefix(2);
    found = found || part == "*" || part == etag;
  });
  return found;
}

bool valid_if_none_match(std::string_view text) {
  bool good = true;
  const auto whole = trimmed(text, " \t");
  if (whole.empty() || whole == "*")
    return true;
  each_part(whole, [&](std::string_view part) { good = good && is_tag(part); });
  return good;
}

wait_preference preferred_wait(std::string_view prefer) {
  constexpr std::string_view name = "wait=";
  wait_preference out;
  each_part(prefer, [&](std::string_view part) {
    if (out.wait || out.unreadable || part.substr(0, name.size()) != name)
      return;
    const auto span = parse_span(part.substr(name.size()), std::chrono::seconds(1));
    out.unreadable = !span;
    if (span)
      out.wait = std::min(std::chrono::duration_cast<std::chrono::milliseconds>(*span),
                          std::chrono::milliseconds(longest_wait));
  });
  return out;
}

} // namespace holdfast::api
