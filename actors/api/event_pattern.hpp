// What a websocket client registers for (contract §6): `<type>.<action>.<key>`, split on the first two dots;
// each part is `*` or a comma list, blanks trimmed, in which `\1` means '.', `\2` ',' and `\3` '*'. Pure: any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::api {

inline constexpr std::size_t longest_pattern_text = 4096;

class event_pattern {
public:
  /// Nothing when the text has fewer than three parts, an empty part, or is too long.
  [[nodiscard]] static std::optional<event_pattern> parse(std::string_view text);

  [[nodiscard]] bool matches(std::string_view type, std::string_view action, std::string_view key) const;
  [[nodiscard]] const std::string& text() const { return text_; }

private:
  struct part {
    bool any = false;
    std::vector<std::string> names;
    [[nodiscard]] bool matches(std::string_view name) const;
  };
  static std::optional<part> parse_part(std::string_view text);

  std::string text_;
  part type_, action_, key_;
};

/// A message from the client.
struct registration {
  bool add = true; ///< register, else deregister
  std::string pattern;
};
/// Nothing when the message is neither `register …` nor `deregister …`.
[[nodiscard]] std::optional<registration> parse_registration(std::string_view message);

} // namespace holdfast::api
