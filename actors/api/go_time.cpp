#include "actors/api/go_time.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace holdfast::api {
namespace {

using namespace std::chrono;

/// Exactly `digits` decimal digits at `at`.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size())
    return std::nullopt;
  int out = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return std::nullopt;
    out = out * 10 + (text[i] - '0');
  }
  return out;
}

struct parts {
  instant when;
  std::size_t fraction_at = 0; ///< position of the '.', or of the offset
  std::size_t offset_at = 0;
};

std::optional<std::int64_t> offset_seconds(std::string_view text) {
  if (text == "Z" || text == "z")
    return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
    return std::nullopt;
  const auto h = number(text, 1, 2);
  const auto m = number(text, 4, 2);
  if (!h || !m || *h > 23 || *m > 59)
    return std::nullopt;
  const std::int64_t magnitude = *h * 3600 + *m * 60;
  return text[0] == '-' ? -magnitude : magnitude;
}

std::optional<parts> split(std::string_view t) {
  const auto y = number(t, 0, 4), mo = number(t, 5, 2), d = number(t, 8, 2);
  const auto h = number(t, 11, 2), mi = number(t, 14, 2), s = number(t, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || t[4] != '-' || t[7] != '-' || t[13] != ':' || t[16] != ':' ||
      (t[10] != 'T' && t[10] != 't'))
    return std::nullopt;
  const year_month_day day{year{*y}, month{static_cast<unsigned>(*mo)},
                           std::chrono::day{static_cast<unsigned>(*d)}};
  if (!day.ok() || *h > 23 || *mi > 59 || *s > 59)
    return std::nullopt;
  parts out;
  out.fraction_at = 19;
  out.offset_at = 19;
  std::int32_t nanoseconds = 0;
  if (t.size() > 19 && t[19] == '.') {
    std::int32_t scale = 100'000'000;
    std::size_t at = 20;
    for (; at < t.size() && t[at] >= '0' && t[at] <= '9'; ++at, scale /= 10)
      nanoseconds += (t[at] - '0') * scale;
    if (at == 20 || at > 29)
      return std::nullopt;
    out.offset_at = at;
  }
  const auto offset = offset_seconds(t.substr(out.offset_at));
  if (!offset)
    return std::nullopt;
  const std::int64_t days = sys_days{day}.time_since_epoch().count();
  out.when = {days * 86400 + *h * 3600 + *mi * 60 + *s - *offset, nanoseconds};
  return out;
}

} // namespace

std::optional<instant> parse_time(std::string_view text) {
  const auto found = split(text);
  return found ? std::optional(found->when) : std::nullopt;
}

std::optional<std::string> normal_time(std::string_view text) {
  const auto found = split(text);
  if (!found)
    return std::nullopt;
  std::string out(text.substr(0, found->offset_at));
  if (found->offset_at > found->fraction_at) {
    while (out.back() == '0')
      out.pop_back();
    if (out.back() == '.')
      out.pop_back();
  }
  out.append(text.substr(found->offset_at));
  return out;
}

std::string to_text(msg::log_time time) {
  const sys_time<milliseconds> at{milliseconds(time.ms)};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss clock{at - day};
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto ms = clock.subseconds().count(); ms != 0) {
    out += fmt::format(".{:03}", ms);
    while (out.back() == '0')
      out.pop_back();
  }
  out += 'Z';
  return out;
}

} // namespace holdfast::api
