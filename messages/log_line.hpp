// One event, one line: `event=vip_taken term=3 index=17 reason="lease lost"`. Values are quoted when they
// hold anything but plain characters, and control characters are escaped, so that a line stays one line and
// can be parsed back. Never give it a secret. Usage: spdlog::info("{}", msg::log_line("role").with("term",
// 3).str());
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace holdfast::msg {

class log_line {
public:
  explicit log_line(std::string_view event) : text_("event=") { append(event); }

  log_line& with(std::string_view key, std::string_view value) {
    begin(key);
    append(value);
    return *this;
  }
  template <std::integral T>
  log_line& with(std::string_view key, T value) {
    begin(key);
    if constexpr (std::same_as<T, bool>)
      text_ += value ? "true" : "false";
    else
      text_ += std::to_string(value);
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return text_; }

private:
  void begin(std::string_view key) {
    text_ += ' ';
    text_ += key;
    text_ += '=';
  }
  void append(std::string_view value) {
    const bool plain =
        !value.empty() && value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                  "0123456789_-.:/@+,[]") == std::string_view::npos;
    if (plain) {
      text_ += value;
      return;
    }
    text_ += '"';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (byte < 0x20 || byte == 0x7f) {
        constexpr std::string_view digits = "0123456789abcdef";
        text_ += "\\x";
        text_ += digits[byte >> 4];
        text_ += digits[byte & 15];
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  std::string text_;
};

} // namespace holdfast::msg
