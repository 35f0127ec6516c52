// What clients send about waiting and about what they know: Prefer, If-None-Match, times. Nothing crashes;
// what is taken is within its bounds, and a time said again is the same time.
#include "actors/api/etag.hpp"
#include "actors/api/go_time.hpp"
#include "tests/fuzz/seeds.hpp"

#include <string>
#include <string_view>

using namespace holdfast::api;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto preference = preferred_wait(text);
  require(!(preference.wait && preference.unreadable));
  if (preference.wait)
    require(preference.wait->count() >= 0 && *preference.wait <= longest_wait);
  // A tag of ours is found only in what may hold tags.
  if (etag_matches(text, "\"7\"") && text.find('*') == std::string_view::npos)
    require(text.find("\"7\"") != std::string_view::npos);
  static_cast<void>(valid_if_none_match(text));
  if (const auto time = parse_time(text)) {
    const auto normal = normal_time(text);
    require(normal.has_value());
    require(parse_time(*normal) == time);
    require(normal_time(*normal) == normal);
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {"wait=5", "respond-async, wait=1.5h", "wait=", "\"7\"", "W/\"6\", \"7\"", "*",
        "2019-01-02T03:04:05.120+02:00", "0001-01-01T00:00:00Z"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
