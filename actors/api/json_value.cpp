#include "actors/api/json_value.hpp"

#include "messages/json_numbers.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <vector>

namespace holdfast::api::json {
namespace {

constexpr unsigned plain_flags =
    rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
constexpr unsigned checking_flags = plain_flags | rapidjson::kParseValidateEncodingFlag;

/// Names of up to so many members are compared pair by pair: cheaper than hashing them.
constexpr std::size_t most_compared = 40;
constexpr std::size_t usual_text = 1024; ///< room for the text of an ordinary object
/// RapidJSON takes all bytes that a letter's first one promises before it looks whether they are its rest,
/// also beyond the end of the text.
constexpr std::size_t longest_letter = 4;

/// Passes the reader's events on to the document and refuses one level too many.
class depth_guard : public msg::exact_numbers {
public:
  depth_guard(rapidjson::Document& target, unsigned limit) : exact_numbers(target), limit_(limit) {}
  bool String(const char* s, rapidjson::SizeType n, bool copy) {
    return whole(s, n) && exact_numbers::String(s, n, copy);
  }
  bool StartObject() { return deeper() && exact_numbers::StartObject(); }
  bool Key(const char* s, rapidjson::SizeType n, bool copy) {
    return whole(s, n) && exact_numbers::Key(s, n, copy);
  }
  bool EndObject(rapidjson::SizeType n) {
    --depth_;
    return exact_numbers::EndObject(n);
  }
  bool StartArray() { return deeper() && exact_numbers::StartArray(); }
  bool EndArray(rapidjson::SizeType n) {
    --depth_;
    return exact_numbers::EndArray(n);
  }
  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] bool half_pair() const { return half_pair_; }

private:
  /// The reader lets an escaped low surrogate through that follows no high one; as text it is not UTF-8.
  bool whole(const char* s, std::size_t n) {
    const std::string_view text(s, n);
    for (auto at = text.find('\xed'); at != std::string_view::npos; at = text.find('\xed', at + 1))
      half_pair_ = half_pair_ || (at + 1 < n && static_cast<unsigned char>(text[at + 1]) >= 0xa0);
    return !half_pair_;
  }
  bool deeper() {
    too_deep_ = ++depth_ > limit_;
    return !too_deep_;
  }
  unsigned limit_;
  unsigned depth_ = 0;
  bool too_deep_ = false;
  bool half_pair_ = false;
};

bool is_ascii(std::string_view text) {
  std::uint64_t seen = 0;
  std::size_t at = 0;
  for (; at + sizeof(seen) <= text.size(); at += sizeof(seen)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, sizeof(eight));
    seen |= eight;
  }
  for (; at < text.size(); ++at)
    seen |= static_cast<unsigned char>(text[at]);
  return (seen & 0x8080808080808080U) == 0;
}

/// What Document::Populate calls to be filled. Works in a copy of the text inside the document's own memory,
/// so that strings are unescaped in place and never copied again; only text beyond ASCII is checked letter by
/// letter.
struct bounded_source {
  std::string_view text;
  unsigned depth;
  std::string failure;

  bool operator()(rapidjson::Document& out) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text.starts_with(byte_order_mark))
      text.remove_prefix(byte_order_mark.size());
    // A zero byte would end the text for the reader.
    if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
      failure = "invalid JSON at offset " + std::to_string(zero) + ": a zero byte";
      return false;
    }
    std::string copy;
    copy.reserve(text.size() + longest_letter);
    copy.append(text).append(longest_letter, '\0');
    rapidjson::InsituStringStream in(copy.data());
    rapidjson::Reader reader;
    depth_guard guard(out, depth);
    const auto result =
        is_ascii(text) ? reader.Parse<plain_flags>(in, guard) : reader.Parse<checking_flags>(in, guard);
    if (guard.too_deep()) {
      failure = "JSON is nested deeper than " + std::to_string(depth) + " levels";
    } else if (guard.half_pair()) {
      failure = "invalid JSON: half a surrogate pair in a string";
    } else if (guard.too_large()) {
      failure = "invalid JSON at offset " + std::to_string(result.Offset()) +
                ": a number too large for double precision";
    } else if (result.IsError()) {
      failure = std::string("invalid JSON at offset ") + std::to_string(result.Offset()) + ": " +
                rapidjson::GetParseError_En(result.Code());
    }
    return failure.empty();
  }
};

/// As text(a) == b, without the calls: this runs for every member of every object.
bool named(const value& name, std::string_view wanted) {
  return name.GetStringLength() == wanted.size() &&
         std::memcmp(name.GetString(), wanted.data(), wanted.size()) == 0;
}

void drop_shadowed_members(value& object) {
  const std::size_t size = object.MemberCount();
  if (size < 2)
    return;
  if (size <= most_compared) {
    bool repeated = false;
    for (auto a = object.MemberBegin(); !repeated && a != object.MemberEnd(); ++a)
      for (auto b = a + 1; !repeated && b != object.MemberEnd(); ++b)
        repeated = named(a->name, {b->name.GetString(), b->name.GetStringLength()});
    if (!repeated)
      return;
  }
  std::unordered_map<std::string_view, std::size_t> last;
  last.reserve(size);
  std::size_t at = 0;
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m)
    last[text(m->name)] = at++;
  if (last.size() == size)
    return;
  // Names may live inside the members that are about to move, so decide first.
  std::vector<bool> keep(size);
  for (const auto& [name, position] : last)
    keep[position] = true;
  last.clear();
  std::size_t kept = 0;
  at = 0;
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m, ++at) {
    if (!keep[at])
      continue;
    auto& slot = *(object.MemberBegin() + static_cast<std::ptrdiff_t>(kept++));
    if (&slot != &*m) {
      slot.name.Swap(m->name);
      slot.value.Swap(m->value);
    }
  }
  object.EraseMember(object.MemberBegin() + static_cast<std::ptrdiff_t>(kept), object.MemberEnd());
}

void drop_all_shadowed(value& v) {
  if (v.IsObject()) {
    drop_shadowed_members(v);
    for (auto m = v.MemberBegin(); m != v.MemberEnd(); ++m)
      drop_all_shadowed(m->value);
  } else if (v.IsArray()) {
    for (auto& item : v.GetArray())
      drop_all_shadowed(item);
  }
}

bool equal_numbers(const value& a, const value& b) {
  if (a.IsDouble() || b.IsDouble())
    return !(a.GetDouble() < b.GetDouble()) && !(b.GetDouble() < a.GetDouble());
  if (a.IsInt64() && b.IsInt64())
    return a.GetInt64() == b.GetInt64();
  return a.IsUint64() && b.IsUint64() && a.GetUint64() == b.GetUint64();
}

using member_list = std::vector<std::pair<std::string_view, const value*>>;

member_list sorted_members(const value& object) {
  member_list members;
  members.reserve(object.MemberCount());
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m)
    members.emplace_back(text(m->name), &m->value);
  std::sort(members.begin(), members.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  return members;
}

bool equal_objects(const value& a, const value& b) {
  if (a.MemberCount() != b.MemberCount())
    return false;
  const auto left = sorted_members(a);
  const auto right = sorted_members(b);
  return std::equal(left.begin(), left.end(), right.begin(), [](const auto& x, const auto& y) {
    return x.first == y.first && equal(*x.second, *y.second);
  });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_folded(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

rapidjson::SizeType narrow(std::size_t n) {
  return static_cast<rapidjson::SizeType>(n);
}

} // namespace

std::optional<std::string> parse(std::string_view text, document& out, const limits& bounds) {
  if (text.size() > bounds.bytes)
    return "JSON is longer than " + std::to_string(bounds.bytes) + " bytes";
  bounded_source source{text, bounds.depth, {}};
  out.SetNull();
  out.Populate(source);
  if (!source.failure.empty())
    return source.failure;
  drop_all_shadowed(out);
  return std::nullopt;
}

std::string compact(const value& v) {
  rapidjson::StringBuffer buffer(nullptr, usual_text);
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  v.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string pretty(const value& v) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  v.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

bool equal(const value& a, const value& b) {
  if (a.IsNumber() && b.IsNumber())
    return equal_numbers(a, b);
  if (a.GetType() != b.GetType())
    return false;
  switch (a.GetType()) {
  case rapidjson::kStringType:
    return text(a) == text(b);
  case rapidjson::kArrayType:
    return a.Size() == b.Size() && std::equal(a.Begin(), a.End(), b.Begin(), equal);
  case rapidjson::kObjectType:
    return equal_objects(a, b);
  default:
    return true;
  }
}

value* member(value& object, std::string_view name) {
  if (!object.IsObject())
    return nullptr;
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m)
    if (named(m->name, name))
      return &m->value;
  return nullptr;
}

const value* member(const value& object, std::string_view name) {
  return member(const_cast<value&>(object), name);
}

value* member_folded(value& object, std::string_view name) {
  if (auto* exact = member(object, name); exact || !object.IsObject())
    return exact;
  for (auto m = object.MemberBegin(); m != object.MemberEnd(); ++m)
    if (same_folded(text(m->name), name))
      return &m->value;
  return nullptr;
}

std::string_view text(const value& v) {
  return v.IsString() ? std::string_view(v.GetString(), v.GetStringLength()) : std::string_view();
}

std::string_view text_at(const value& object, std::string_view name) {
  const auto* found = member(object, name);
  return found ? text(*found) : std::string_view();
}

bool flag_at(const value& object, std::string_view name) {
  const auto* found = member(object, name);
  return found && found->IsTrue();
}

value make_text(std::string_view s, allocator& memory) {
  return value(s.empty() ? "" : s.data(), narrow(s.size()), memory);
}

void set_member(value& object, std::string_view name, value&& v, allocator& memory) {
  if (auto* found = member(object, name))
    *found = v;
  else
    object.AddMember(make_text(name, memory), v, memory);
}

std::string quoted(std::string_view s) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.String(s.empty() ? "" : s.data(), narrow(s.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

std::string_view kind_word(const value& v) {
  switch (v.GetType()) {
  case rapidjson::kNullType:
    return "null";
  case rapidjson::kFalseType:
  case rapidjson::kTrueType:
    return "bool";
  case rapidjson::kObjectType:
    return "object";
  case rapidjson::kArrayType:
    return "array";
  case rapidjson::kStringType:
    return "string";
  default:
    return "number";
  }
}

} // namespace holdfast::api::json
