// Tells a repeat under an Idempotency-Key from another request that came with a used key (C-08). In front of
// the body of the answer that is stored under the key stands a mark of the request it was given to:
//
//   u8 1, 32 hexadecimal digits, then the answer's body
//
// Answers that were stored without a mark, by an older version, are JSON or empty and never begin with that
// byte; they are given to whoever has the key. Pure; any thread.
#pragma once

#include "net/http_exchange.hpp"

#include <string>
#include <string_view>

namespace holdfast::api {

/// The mark of a request: of its method, decoded path and query, and body, which are the same on whichever
/// member it arrives and on the one it is passed on to. `body_digest` must have the same length for every
/// request, or be empty for all without a body.
[[nodiscard]] std::string repeat_mark(const net::http_head& head, std::string_view body_digest);

/// Takes the mark off a stored body. False: it was given to another request.
[[nodiscard]] bool take_mark(std::string& stored, std::string_view mark);

} // namespace holdfast::api
