// Majorities, plain and joint. Every decision of the core that needs "enough of them" is made here.
// A joint configuration needs a majority of both sets (thesis §4.3). No voters: no majority, ever.
#pragma once

#include <raft/config.hpp>

#include <algorithm>
#include <array>

namespace holdfast::raft {

inline constexpr std::size_t max_voters =
    64; ///< bound of the scratch space; limits::max_members is at most this

enum class vote_result : std::uint8_t { pending, won, lost };

namespace detail {
/// Counts over one of the two voter sets.
template <class InSet, class Says>
bool majority(const config& c, InSet in_set, Says says) {
  std::size_t size = 0, yes = 0;
  for (const member& m : c.members) {
    if (!in_set(m))
      continue;
    ++size;
    yes += says(m.id) ? 1U : 0U;
  }
  return size > 0 && yes > size / 2;
}

/// The largest value that a majority of one set has reached. `size` is set to the number of its voters.
template <class Value, class InSet, class Of>
Value majority_value(const config& c, InSet in_set, Of of, std::size_t& size) {
  std::array<Value, max_voters> values{};
  size = 0;
  for (const member& m : c.members)
    if (in_set(m) && size < max_voters)
      values[size++] = of(m.id);
  if (size == 0)
    return Value{};
  const auto position = static_cast<std::ptrdiff_t>((size - 1) / 2);
  std::nth_element(values.begin(), values.begin() + position,
                   values.begin() + static_cast<std::ptrdiff_t>(size));
  return values[static_cast<std::size_t>(position)];
}

inline bool incoming(const member& m) {
  return m.voter;
}
inline bool outgoing(const member& m) {
  return m.outgoing;
}
} // namespace detail

/// Do enough voters say yes? `says(node_id) -> bool`.
template <class Says>
bool has_quorum(const config& c, Says says) {
  return detail::majority(c, detail::incoming, says) &&
         (!c.joint || detail::majority(c, detail::outgoing, says));
}

/// The largest value that a quorum has reached. `of(node_id) -> Value`; Value{} must be the smallest value.
/// Used for the commit index (Value = index_t), the answered heartbeat round and the time of last contact.
template <class Value, class Of>
Value quorum_value(const config& c, Of of) {
  std::size_t size = 0;
  const Value in = detail::majority_value<Value>(c, detail::incoming, of, size);
  if (size == 0)
    return Value{};
  if (!c.joint)
    return in;
  const Value out = detail::majority_value<Value>(c, detail::outgoing, of, size);
  return size == 0 ? Value{} : std::min(in, out);
}

/// `answer(node_id) -> std::optional<bool>`. Lost as soon as the missing answers can no longer win it.
template <class Answer>
vote_result tally(const config& c, Answer answer) {
  if (has_quorum(c, [&](node_id id) { return answer(id).value_or(false); }))
    return vote_result::won;
  if (has_quorum(c, [&](node_id id) { return answer(id).value_or(true); }))
    return vote_result::pending;
  return vote_result::lost;
}

} // namespace holdfast::raft
