#include "tools/chaos/leader_log.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace holdfast::chaos {

namespace {

/// The digits behind `key` in a line, or nothing.
bool number_after(std::string_view line, std::string_view key, std::uint64_t& out) {
  const auto at = line.find(key);
  if (at == std::string_view::npos)
    return false;
  const auto text = line.substr(at + key.size());
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

/// The word behind `key` in a line, or nothing.
std::string word_after(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos)
    return {};
  const auto text = line.substr(at + key.size());
  return std::string(text.substr(0, text.find(' ')));
}

/// "2026-01-31T12:34:56.123456Z" with six digits of fraction.
bool parse_time(std::string_view text, std::int64_t& unix_ns) {
  constexpr std::string_view form = "0000-00-00T00:00:00.000000Z";
  if (text.size() < form.size())
    return false;
  const auto digits = [text](std::size_t from, std::size_t count) {
    unsigned value = 0;
    std::from_chars(text.data() + from, text.data() + from + count, value);
    return value;
  };
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == '0' ? !digit : text[i] != form[i])
      return false;
  }
  using namespace std::chrono;
  const year_month_day day{year{static_cast<int>(digits(0, 4))}, month{digits(5, 2)},
                           std::chrono::day{digits(8, 2)}};
  if (!day.ok())
    return false;
  const auto at = sys_days{day} + hours{digits(11, 2)} + minutes{digits(14, 2)} + seconds{digits(17, 2)} +
                  microseconds{digits(20, 6)};
  unix_ns = duration_cast<nanoseconds>(at.time_since_epoch()).count();
  return true;
}

} // namespace

std::vector<leadership> leaderships(std::string_view log) {
  constexpr std::string_view start = "time=";
  std::vector<leadership> out;
  std::string cluster;
  while (!log.empty()) {
    const auto end = std::min(log.find('\n'), log.size());
    const auto line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    if (line.find("event=consensus_started ") != std::string_view::npos)
      cluster = word_after(line, " cluster=");
    leadership one;
    if (line.starts_with(start) && line.find("event=role now=leader ") != std::string_view::npos &&
        number_after(line, " term=", one.term) && parse_time(line.substr(start.size()), one.unix_ns)) {
      one.cluster = cluster;
      out.push_back(std::move(one));
    }
  }
  return out;
}

} // namespace holdfast::chaos
