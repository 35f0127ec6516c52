#include "tools/chaos/scenario_lexer.hpp"

#include <charconv>

namespace holdfast::chaos {

namespace {

constexpr unsigned most_members = 9;
constexpr std::uint64_t longest_ms = 24ULL * 3600 * 1000;

[[noreturn]] void fail_in(const std::string& file, unsigned line, std::size_t column,
                          const std::string& what) {
  throw scenario_error(file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what);
}

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

} // namespace

std::vector<word> split_line(std::string_view line, const std::string& file, unsigned number,
                             const variables& known) {
  std::vector<word> out;
  std::size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t') {
      ++i;
      continue;
    }
    if (line[i] == '#')
      break;
    word next;
    next.column = static_cast<unsigned>(i + 1);
    if (line[i] == '"') {
      const auto close = line.find('"', i + 1);
      if (close == std::string_view::npos)
        fail_in(file, number, i + 1, "expected a closing \", found the end of the line");
      next.text = line.substr(i + 1, close - i - 1);
      next.quoted = true;
      i = close + 1;
    } else {
      while (i < line.size() && line[i] != ' ' && line[i] != '\t' && line[i] != '#') {
        const auto c = static_cast<unsigned char>(line[i]);
        if (c < 0x20 || c == 0x7f)
          fail_in(file, number, i + 1, "expected text, found a control character");
        if (line[i] != '$') {
          next.text += line[i++];
          continue;
        }
        const std::size_t from = ++i;
        while (i < line.size() && name_char(line[i]))
          ++i;
        const auto found = known.find(std::string(line.substr(from, i - from)));
        if (found == known.end())
          fail_in(file, number, from,
                  "expected a variable set by an earlier 'let', found '$" +
                      std::string(line.substr(from, i - from)) + "'");
        next.text += found->second;
      }
    }
    out.push_back(std::move(next));
  }
  return out;
}

void line_reader::fail_at(std::size_t at, const std::string& expected) const {
  if (at < words_.size())
    fail_in(file_, number_, words_[at].column, "expected " + expected + ", found '" + words_[at].text + "'");
  const std::size_t column = words_.empty() ? 1 : words_.back().column + words_.back().text.size();
  fail_in(file_, number_, column, "expected " + expected + ", found the end of the line");
}

void line_reader::fail(const std::string& expected) const {
  fail_at(at_, expected);
}

void line_reader::fail_at_last(const std::string& expected) const {
  fail_at(at_ == 0 ? 0 : at_ - 1, expected);
}

std::string line_reader::take(const char* expected) {
  if (done())
    fail(expected);
  return words_[at_++].text;
}

void line_reader::take_exactly(std::string_view text) {
  if (!next_is(text))
    fail("'" + std::string(text) + "'");
  ++at_;
}

std::string line_reader::take_one_of(std::string_view choices) {
  std::size_t from = 0;
  while (from < choices.size()) {
    const auto end = std::min(choices.find('|', from), choices.size());
    if (next_is(choices.substr(from, end - from)))
      return words_[at_++].text;
    from = end + 1;
  }
  fail("one of " + std::string(choices));
}

unsigned line_reader::take_number(unsigned least, unsigned most, std::string_view suffix) {
  const std::string expected = "a number from " + std::to_string(least) + " to " + std::to_string(most) +
                               (suffix.empty() ? "" : " followed by " + std::string(suffix));
  if (done())
    fail(expected);
  const std::string& text = words_[at_].text;
  unsigned value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc{} ||
      std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)) != suffix ||
      value < least || value > most)
    fail(expected);
  ++at_;
  return value;
}

milliseconds line_reader::take_time(bool may_be_signed) {
  const std::string expected =
      may_be_signed ? "a time with its sign, such as +90s or -30s" : "a time such as 250ms, 2s or 5min";
  if (done())
    fail(expected);
  std::string_view text = words_[at_].text;
  std::int64_t sign = 1;
  if (may_be_signed) {
    if (text.empty() || (text[0] != '+' && text[0] != '-'))
      fail(expected);
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::uint64_t scale = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "min" ? 60'000 : 0;
  if (bad != std::errc{} || scale == 0 || value > longest_ms / scale)
    fail(expected);
  ++at_;
  return milliseconds{sign * static_cast<std::int64_t>(value * scale)};
}

target line_reader::take_target() {
  static constexpr std::pair<std::string_view, target_kind> names[] = {
      {"active", target_kind::active},     {"passive", target_kind::passive},
      {"observer", target_kind::observer}, {"any", target_kind::any},
      {"all", target_kind::all},           {"down", target_kind::down},
      {"minority", target_kind::minority}};
  for (const auto& [name, kind] : names) {
    if (next_is(name)) {
      ++at_;
      return {kind, 0};
    }
  }
  if (!done() && words_[at_].text.size() == 1 && words_[at_].text[0] >= '1' && words_[at_].text[0] <= '9')
    return {target_kind::member, take_number(1, most_members)};
  fail("a member's number, active, passive, observer, any, all, down or minority");
}

void line_reader::end() const {
  if (!done())
    fail("the end of the line");
}

} // namespace holdfast::chaos
