// The few things the runner does with JSON: read a member, set members, list what a read gave. Pure;
// RapidJSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::chaos {

/// A JSON string as text; empty when it is none.
[[nodiscard]] std::string text_of(std::string_view json);
/// A member of an object: strings as text, everything else as JSON; nothing when absent or not an object.
[[nodiscard]] std::optional<std::string> member_of(std::string_view json, const std::string& name);
/// `json` with these members set; values are JSON.
[[nodiscard]] std::string with_members(std::string_view json,
                                       const std::map<std::string, std::string>& values);
/// The members of `from` named here, as JSON, to pass on to with_members.
[[nodiscard]] std::map<std::string, std::string> members_json(std::string_view from,
                                                              const std::vector<std::string>& names);
[[nodiscard]] std::string json_string(std::string_view text);

/// Name → Description of a list of objects whose names begin so.
[[nodiscard]] std::map<std::string, std::string> named(std::string_view list, std::string_view prefix);
/// All numbers of the arrays Params.log of a list of objects whose names begin so.
[[nodiscard]] std::vector<std::uint64_t> logged(std::string_view list, std::string_view prefix);
/// A member of each object of a list, as member_of gives it.
[[nodiscard]] std::vector<std::string> column(std::string_view list, const std::string& name);

} // namespace holdfast::chaos
