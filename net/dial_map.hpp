// Addresses to dial in the place of others, so that on one host a test can put a proxy between two members
// and delay, cap, cut or reset what they send to one another (docs/chaos.md). Only the TCP connection goes
// elsewhere: whoever answers must still prove to be the member that was meant, at the address that was meant.
//
// The file: one pair a line, "ADDRESS ADDRESS" (ip:port, as in --ha-consensus-addr), the one that is meant
// and the one to dial; '#' begins a comment.
#pragma once

#include "net/address.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::net {

using dial_map = std::map<std::string, net_address>; ///< by net_address::text()

/// On failure the result is empty and `why` names the line. Pure.
[[nodiscard]] std::optional<dial_map> parse_dial_map(std::string_view text, std::string& why);

/// For the whole process. Call before any thread exists, once.
void set_dial_map(dial_map map);

/// What to dial when `meant` is meant: mostly the same. Any thread.
[[nodiscard]] net_address dial_target(const net_address& meant);

} // namespace holdfast::net
