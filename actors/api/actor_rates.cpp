#include "actors/api/actor_rates.hpp"

namespace holdfast::api {

namespace {

constexpr std::int64_t shortest_ms = 1000;

double rate(std::uint64_t messages, std::int64_t span_ms) {
  return span_ms > 0 ? static_cast<double>(messages) * 1000.0 / static_cast<double>(span_ms) : 0.0;
}

} // namespace

std::vector<double> actor_rates::per_second(const std::vector<msg::actor_row>& rows, std::int64_t now_ms) {
  if (now_ms - newer_.at_ms >= shortest_ms) {
    older_ = std::move(newer_);
    newer_ = {now_ms, {}};
    for (const auto& row : rows)
      newer_.messages[row.name] = row.messages;
  }
  std::vector<double> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    const auto before = older_.messages.find(row.name);
    // A restarted actor may count from zero again: then only its own life is known.
    if (before != older_.messages.end() && before->second <= row.messages && row.started_ms <= older_.at_ms)
      out.push_back(rate(row.messages - before->second, now_ms - older_.at_ms));
    else
      out.push_back(rate(row.messages, now_ms - row.started_ms));
  }
  return out;
}

} // namespace holdfast::api
