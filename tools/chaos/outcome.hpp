// What an answer of the API proves about the request. The contract: 503 says that nothing was changed, 504
// that the outcome is unknown; every other refusal is a decision over a state proven current. Pure.
#pragma once

#include "tools/chaos/history.hpp"

namespace holdfast::chaos {

/// What a client saw of one request.
struct seen_answer {
  bool answered = false; ///< a whole answer came
  bool sent = false;     ///< without an answer: a part of the request may have reached the server
  unsigned status = 0;
};

/// Anything not known for sure is unknown: a time-out, a closed connection, 504, 500 and 502.
[[nodiscard]] op_outcome classify_write(const seen_answer& seen);

} // namespace holdfast::chaos
