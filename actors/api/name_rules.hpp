// Which texts may be names and keys (contract §3.2) and how a key asked for becomes the stored one.
// Pure: any thread.
#pragma once

#include "actors/api/prefix_table.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api {

/// True when `name` keeps the rule. Letters and numbers are Unicode's; text that is not UTF-8 never does.
[[nodiscard]] bool valid_name(key_rule rule, std::string_view name);

/// Upper-case hex of a dotted IPv4 address ("192.168.100.100" → "C0A86464"); nothing when it is not one.
[[nodiscard]] std::optional<std::string> address_key(std::string_view text);
/// IPv4 or IPv6 in text form.
[[nodiscard]] bool is_address(std::string_view text);
/// 8-4-4-4-12 hex digits.
[[nodiscard]] bool is_uuid(std::string_view text);
/// A random version 4 uuid (OpenSSL's generator).
[[nodiscard]] std::string random_uuid();
/// `bytes` random bytes as base64url text without padding; for object secrets.
[[nodiscard]] std::string random_secret(std::size_t bytes = 24);

/// The key under which the store holds what the client calls `asked`.
[[nodiscard]] std::string stored_key(const prefix_desc& desc, std::string_view asked);

} // namespace holdfast::api
