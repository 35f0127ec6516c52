#include "tools/chaos/outcome.hpp"

namespace holdfast::chaos {

op_outcome classify_write(const seen_answer& seen) {
  if (!seen.answered)
    return seen.sent ? op_outcome::unknown : op_outcome::refused;
  if (seen.status >= 200 && seen.status < 300)
    return op_outcome::ok;
  if (seen.status == 503 || (seen.status >= 400 && seen.status < 500))
    return op_outcome::refused;
  return op_outcome::unknown;
}

} // namespace holdfast::chaos
