#include "actors/api/log_ring.hpp"

#include "actors/api/go_time.hpp"
#include "actors/api/json_value.hpp"

namespace holdfast::api {
namespace {

std::string_view level_word(spdlog::level::level_enum level) {
  switch (level) {
  case spdlog::level::trace:
    return "trace";
  case spdlog::level::debug:
    return "debug";
  case spdlog::level::info:
    return "info";
  case spdlog::level::warn:
    return "warn";
  case spdlog::level::err:
    return "error";
  default:
    return "fatal";
  }
}

} // namespace

std::string to_json(const log_entry& entry) {
  return "{\"Group\":0,\"Seq\":" + std::to_string(entry.seq) + ",\"Time\":\"" + to_text(entry.time) +
         "\",\"File\":" + json::quoted(entry.file) + ",\"Line\":" + std::to_string(entry.line) +
         ",\"Level\":" + json::quoted(entry.level) + ",\"Service\":" + json::quoted(entry.service) +
         ",\"Principal\":\"\",\"Message\":" + json::quoted(entry.message) +
         ",\"Data\":[],\"IgnorePublish\":false}";
}

std::string log_ring::text() const {
  std::vector<log_entry> copy;
  {
    const std::lock_guard lock(guard_);
    copy.assign(kept_.begin(), kept_.end());
  }
  std::string out = "[";
  for (const auto& entry : copy) {
    if (out.size() > 1)
      out += ',';
    out += to_json(entry);
  }
  return out + "]";
}

void log_ring::notify(std::function<void(const log_entry&)> callback) {
  const std::lock_guard lock(guard_);
  callback_ = std::move(callback);
}

void log_ring::sink_it_(const spdlog::details::log_msg& line) {
  log_entry entry;
  entry.time.ms = std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch()).count();
  entry.level = level_word(line.level);
  entry.service = std::string(line.logger_name.data(), line.logger_name.size());
  if (line.source.filename)
    entry.file = line.source.filename;
  entry.line = line.source.line;
  entry.message.assign(line.payload.data(), std::min(line.payload.size(), longest_));
  std::function<void(const log_entry&)> callback;
  {
    const std::lock_guard lock(guard_);
    entry.seq = next_++;
    kept_.push_back(entry);
    if (kept_.size() > lines_)
      kept_.pop_front();
    callback = callback_;
  }
  if (callback)
    callback(entry);
}

} // namespace holdfast::api
