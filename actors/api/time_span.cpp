#include "actors/api/time_span.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace holdfast::api {

namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr nanoseconds day = 24h;
constexpr nanoseconds longest = day * 36500;

constexpr std::array<std::pair<std::string_view, nanoseconds>, 10> units{{{"ns", 1ns},
                                                                          {"us", 1us},
                                                                          {"ms", 1ms},
                                                                          {"s", 1s},
                                                                          {"m", 1min},
                                                                          {"h", 1h},
                                                                          {"d", day},
                                                                          {"w", day * 7},
                                                                          {"mo", day * 30},
                                                                          {"y", day * 365}}};

} // namespace

std::optional<nanoseconds> parse_span(std::string_view text, nanoseconds default_unit) {
  constexpr std::size_t longest_text = 40;
  if (text == "never")
    return longest;
  if (text.empty() || text.size() > longest_text || text.front() < '0' || text.front() > '9')
    return std::nullopt;
  double number = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (code != std::errc() || !std::isfinite(number))
    return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' '))
    unit.remove_prefix(1);
  nanoseconds scale = default_unit;
  bool known = unit.empty();
  for (const auto& [name, value] : units) {
    if (unit == name) {
      scale = value;
      known = true;
    }
  }
  const double total = number * static_cast<double>(scale.count());
  if (!known || total > static_cast<double>(longest.count()))
    return std::nullopt;
  return nanoseconds(static_cast<nanoseconds::rep>(std::llround(total)));
}

} // namespace holdfast::api
