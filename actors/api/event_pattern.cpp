#include "actors/api/event_pattern.hpp"
#include "actors/api/text_trim.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
    if (next >= '1' && next <= '3') {
      out += ".,*"[next - '1'];
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

} // namespace

bool event_pattern::part::matches(std::string_view name) const {
  return any || std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<event_pattern::part> event_pattern::parse_part(std::string_view text) {
  part out;
  while (true) {
    const auto end = std::min(text.find(','), text.size());
    const auto name = trimmed(text.substr(0, end), " \t\r\n");
    if (name == "*")
      out.any = true;
    else if (!name.empty())
      out.names.push_back(unescaped(name));
    if (end == text.size())
      break;
    text.remove_prefix(end + 1);
  }
  return out.any || !out.names.empty() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<event_pattern> event_pattern::parse(std::string_view text) {
  text = trimmed(text, " \t\r\n");
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.size() > longest_pattern_text)
    return std::nullopt;
  auto type = parse_part(text.substr(0, first));
  auto action = parse_part(text.substr(first + 1, second - first - 1));
  auto key = parse_part(text.substr(second + 1));
  if (!type || !action || !key)
    return std::nullopt;
  event_pattern out;
  out.text_ = text;
  out.type_ = std::move(*type);
  out.action_ = std::move(*action);
  out.key_ = std::move(*key);
  return out;
}

bool event_pattern::matches(std::string_view type, std::string_view action, std::string_view key) const {
  return type_.matches(type) && action_.matches(action) && key_.matches(key);
}

std::optional<registration> parse_registration(std::string_view message) {
  message = trimmed(message, " \t\r\n");
  const auto blank = message.find(' ');
  const auto verb = message.substr(0, blank);
  if (verb != "register" && verb != "deregister")
    return std::nullopt;
  const auto rest =
      blank == std::string_view::npos ? std::string_view() : trimmed(message.substr(blank), " \t\r\n");
  return registration{verb == "register", std::string(rest)};
}

} // namespace holdfast::api
