#include "tools/chaos/report.hpp"

#include <cstdarg>
#include <cstdio>

namespace holdfast::chaos {

namespace {

[[gnu::format(printf, 1, 2)]] std::string line(const char* format, ...) {
  char out[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(out, sizeof out, format, arguments);
  va_end(arguments);
  return std::string(out) + "\n";
}

std::string figures(const char* name, const latency_summary& of) {
  return line("  %-7s %8zu done, %5zu refused, %5zu unknown; p50 %.1f ms, p99 %.1f ms, longest %.0f ms", name,
              of.acknowledged, of.refused, of.unknown, of.median_ms, of.p99_ms, of.longest_ms);
}

} // namespace

std::string summary_text(const run_outcome& run, const std::string& repeat) {
  std::string out = line("%s  %s (%s, seed %llu)", run.passed() ? "PASSED" : "FAILED", run.what.story.c_str(),
                         run.what.file.c_str(), static_cast<unsigned long long>(run.seed));
  if (!run.error.empty())
    out += line("  the run did not get to its end: %s", run.error.c_str());
  const auto& record = run.record;
  const auto seconds = static_cast<double>(record.load_until - record.load_from) / 1e9;
  if (record.load_until > 0) {
    out += line("  %u members, %zu faults and steps in %.1f s of load", run.what.cluster.members,
                record.events.size(), seconds);
    out += figures("writes", summarize(record.ticks, true));
    out += figures("reads", summarize(record.ticks, false));
  }
  for (const auto& check : run.verdict.checks) {
    out += line("  %-4s %-14s %s", check.passed ? "ok" : "BAD", check.name.c_str(), check.summary.c_str());
    for (const auto& detail : check.details)
      out += "       " + detail + "\n";
  }
  for (const auto& one : run.verdict.failovers)
    out += one.took ? line("  next write %6.0f ms after '%s'", static_cast<double>(*one.took) / 1e6,
                           one.after.c_str())
                    : line("  no write between '%s' and the next fault", one.after.c_str());
  if (!run.passed())
    out += "  repeat: " + repeat + "\n";
  return out;
}

} // namespace holdfast::chaos
