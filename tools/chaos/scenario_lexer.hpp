// Words of one line of a scenario, with their columns. Internal to the parser.
#pragma once

#include "tools/chaos/scenario.hpp"

#include <map>
#include <string_view>

namespace holdfast::chaos {

struct word {
  std::string text;
  unsigned column = 0;
  bool quoted = false;
};

using variables = std::map<std::string, std::string>;

/// Splits a line at blanks; "…" is one word, # starts a comment, $NAME is replaced. Throws scenario_error.
[[nodiscard]] std::vector<word> split_line(std::string_view line, const std::string& file, unsigned number,
                                           const variables& known);

/// The words of one line, taken one by one. Every take_ function throws scenario_error with the place and
/// what was expected.
class line_reader {
public:
  line_reader(std::vector<word> words, const std::string& file, unsigned number)
      : words_(std::move(words)), file_(file), number_(number) {}

  [[nodiscard]] bool done() const { return at_ == words_.size(); }
  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] bool next_is(std::string_view text) const { return !done() && words_[at_].text == text; }
  [[nodiscard]] std::string take(const char* expected);
  void take_exactly(std::string_view text);
  /// One of `a|b|c`.
  [[nodiscard]] std::string take_one_of(std::string_view choices);
  [[nodiscard]] unsigned take_number(unsigned least, unsigned most, std::string_view suffix = "");
  [[nodiscard]] milliseconds take_time(bool may_be_signed = false);
  [[nodiscard]] target take_target();
  void end() const;
  /// At the word that would be taken next, or at the last one taken.
  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void fail_at_last(const std::string& expected) const;

private:
  [[noreturn]] void fail_at(std::size_t at, const std::string& expected) const;

  std::vector<word> words_;
  std::string file_;
  unsigned number_;
  std::size_t at_ = 0;
};

} // namespace holdfast::chaos
