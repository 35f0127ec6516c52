// The replicated memory of answers given under an Idempotency-Key (C-08): a client that repeats a write after
// a lost reply, also against another member after a failover, gets the first answer and changes nothing.
// Bounded in count, bytes and age; age is log time, so every member forgets at the same entry. Pure.
#pragma once

#include "actors/replay/store_state.hpp"

#include <cstdint>
#include <string>

namespace holdfast::replay {

/// Forgets what is older than limits.answer_age at state.time.
void expire_answers(store_state& state, const store_limits& limits);

/// Keeps an answer under a key that must not be known, then forgets the oldest ones until the bounds hold.
/// The newest is always kept.
void remember_answer(store_state& state, const store_limits& limits, std::uint64_t index, std::string key,
                     msg::stored_answer answer);

} // namespace holdfast::replay
