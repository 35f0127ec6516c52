// The last log lines, kept for GET logs and for watchers (contract §6). A spdlog sink fills the ring from any
// thread; readers copy. Lines are cut at a fixed length, so memory is bounded by lines × length.
#pragma once

#include "messages/transaction.hpp"

#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace holdfast::api {

/// One line as the original's models name it.
struct log_entry {
  std::uint64_t seq = 0;
  msg::log_time time;
  std::string level; ///< trace, debug, info, warn, error, fatal
  std::string service;
  std::string file;
  int line = 0;
  std::string message;
};
/// {Group, Seq, Time, File, Line, Level, Service, Principal, Message, Data, IgnorePublish}
[[nodiscard]] std::string to_json(const log_entry& entry);

class log_ring final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit log_ring(std::size_t lines = 1000, std::size_t longest = 2048)
      : lines_(lines), longest_(longest) {}

  /// JSON array of what is kept, oldest first. Any thread.
  [[nodiscard]] std::string text() const;
  /// Called with every new line, on the thread that logs and outside every lock but the sink's own; it must
  /// only hand the line over (and never log). Empty: nobody.
  void notify(std::function<void(const log_entry&)> callback);

private:
  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}

  std::size_t lines_;
  std::size_t longest_;
  mutable std::mutex guard_;
  std::deque<log_entry> kept_;
  std::uint64_t next_ = 1;
  std::function<void(const log_entry&)> callback_;
};

} // namespace holdfast::api
