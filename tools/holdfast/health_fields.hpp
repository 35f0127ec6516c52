// Reads the JSON of a member's health: what is missing, or of another type, counts as zero, false or empty,
// so that an older or newer member is no error. Pure.
#pragma once

#include "tools/holdfast/document.hpp"

#include <cstdint>
#include <string>

namespace holdfast::cli {

[[nodiscard]] inline std::uint64_t number(const value& from, const char* name) {
  if (!from.IsObject()) {
    return 0;
  }
  const auto found = from.FindMember(name);
  return found != from.MemberEnd() && found->value.IsUint64() ? found->value.GetUint64() : 0;
}

[[nodiscard]] inline std::string text(const value& from, const char* name) {
  if (!from.IsObject()) {
    return {};
  }
  const auto found = from.FindMember(name);
  return found != from.MemberEnd() && found->value.IsString() ? found->value.GetString() : "";
}

[[nodiscard]] inline bool flag(const value& from, const char* name) {
  const auto found = from.IsObject() ? from.FindMember(name) : value::ConstMemberIterator{};
  return from.IsObject() && found != from.MemberEnd() && found->value.IsTrue();
}

template <class Each>
void for_each_in(const value& from, const char* name, const Each& each) {
  const auto found = from.IsObject() ? from.FindMember(name) : value::ConstMemberIterator{};
  if (from.IsObject() && found != from.MemberEnd() && found->value.IsArray()) {
    for (const auto& item : found->value.GetArray()) {
      each(item);
    }
  }
}

/// The object of that name; null when there is none.
[[nodiscard]] inline const value* object_in(const value& from, const char* name) {
  const auto found = from.IsObject() ? from.FindMember(name) : value::ConstMemberIterator{};
  return from.IsObject() && found != from.MemberEnd() && found->value.IsObject() ? &found->value : nullptr;
}

/// Negative where the member says so (for "never"), or says nothing.
[[nodiscard]] inline std::int64_t whole(const value& from, const char* name) {
  const auto found = from.IsObject() ? from.FindMember(name) : value::ConstMemberIterator{};
  return from.IsObject() && found != from.MemberEnd() && found->value.IsInt64() ? found->value.GetInt64()
                                                                                : -1;
}

} // namespace holdfast::cli
