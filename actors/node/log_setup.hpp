// Structured lines on stderr (LOG-05): `time=2026-01-31T12:00:00.123456Z level=info event=… key=value …`.
// Every room logs through spdlog's default logger with msg::log_line. Thread-safe after set_up_log().
#pragma once

#include <string_view>

namespace holdfast::node {

/// Installs the default logger. `level` is one that parse_settings accepts. Main thread, once.
void set_up_log(std::string_view level);

} // namespace holdfast::node
