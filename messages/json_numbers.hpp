// Numbers in JSON, read exactly. RapidJSON's own exact conversion (kParseFullPrecisionFlag) reads outside its
// table of powers below 10^-348, fails an assertion on many digits with an exponent that takes them beyond a
// double, and is undefined for 0e1: a crash anybody could ask for. So RapidJSON checks the grammar and hands
// numbers over as text (kParseNumbersAsStringsFlag), and the standard library converts them. Pure; any
// thread.
#pragma once

#include <rapidjson/document.h>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace holdfast::msg {

/// Passes a reader's events on to a document, and numbers as what they are: integers that fit 64 bits as
/// such, all others as the nearest double; what is too small for one is zero. A number too large ends the
/// parsing, and too_large() says so. The document must outlive it.
class exact_numbers {
public:
  explicit exact_numbers(rapidjson::Document& target) : target_(target) {}

  bool Null() { return target_.Null(); }
  bool Bool(bool b) { return target_.Bool(b); }
  // Never called, for numbers come as text; a reader wants them all the same.
  bool Int(int i) { return target_.Int(i); }
  bool Uint(unsigned i) { return target_.Uint(i); }
  bool Int64(std::int64_t i) { return target_.Int64(i); }
  bool Uint64(std::uint64_t i) { return target_.Uint64(i); }
  bool Double(double d) { return target_.Double(d); }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    const std::string_view text(s, n);
    if (text.find_first_of(".eE") == std::string_view::npos) {
      std::int64_t with_sign = 0;
      std::uint64_t without = 0;
      if (read(text, with_sign) == std::errc())
        return target_.Int64(with_sign);
      if (read(text, without) == std::errc())
        return target_.Uint64(without);
    }
    double value = 0;
    if (read(text, value) != std::errc())
      too_large_ = is_large(text);
    return !too_large_ && target_.Double(value);
  }
  // Copied, whatever the reader offers: values travel between documents, and RapidJSON's CopyFrom leaves
  // strings that are not a document's own where they are.
  bool String(const char* s, rapidjson::SizeType n, bool) { return target_.String(s, n, true); }
  bool StartObject() { return target_.StartObject(); }
  bool Key(const char* s, rapidjson::SizeType n, bool) { return target_.Key(s, n, true); }
  bool EndObject(rapidjson::SizeType n) { return target_.EndObject(n); }
  bool StartArray() { return target_.StartArray(); }
  bool EndArray(rapidjson::SizeType n) { return target_.EndArray(n); }

  [[nodiscard]] bool too_large() const { return too_large_; }

private:
  template <class Number>
  static std::errc read(std::string_view text, Number& into) {
    return std::from_chars(text.data(), text.data() + text.size(), into).ec;
  }
  /// Of a number outside the range of a double. One outside that of a long double, too, can only be small:
  /// the reader takes no exponent above 308 and no such integer.
  static bool is_large(std::string_view text) {
    long double value = 0;
    return read(text, value) == std::errc() && (value > 1 || value < -1);
  }

  rapidjson::Document& target_;
  bool too_large_ = false;
};

} // namespace holdfast::msg
