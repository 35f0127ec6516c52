#include "actors/api/etag.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

template <class Visit>
void each_part(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    visit(trimmed(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

std::optional<std::chrono::milliseconds> duration_of(std::string_view text) {
  double n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || !(n >= 0))
    return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  double scale = 0;
  if (unit.empty() || unit == "s")
    scale = 1000;
  else if (unit == "ms")
    scale = 1;
  else if (unit == "m")
    scale = 60'000;
  else if (unit == "h")
    scale = 3'600'000;
  else
    return std::nullopt;
  const double most = static_cast<double>(std::chrono::milliseconds(longest_wait).count());
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(n * scale, most)));
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

std::optional<std::chrono::milliseconds> preferred_wait(std::string_view prefer) {
  std::optional<std::chrono::milliseconds> out;
  each_part(prefer, [&](std::string_view part) {
    if (!out && part.substr(0, 5) == "wait=")
      out = duration_of(part.substr(5));
  });
  return out;
}

} // namespace holdfast::api
