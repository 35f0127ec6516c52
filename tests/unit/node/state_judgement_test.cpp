#include "actors/node/state_judgement.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::node;

namespace {

constexpr msg::state_digest sound{1, 2};
constexpr msg::state_digest spoilt{1, 3};
constexpr msg::state_digest other_one{4, 2};

} // namespace

TEST_CASE("WAL-06 a member whose state differs from the majority's is the wrong one, whatever its role") {
  CHECK(judge_state(spoilt, {sound, sound}, 3) == state_judgement::wrong);
  CHECK(judge_state(sound, {spoilt, sound}, 3) == state_judgement::right);
  // The active proposed the hash of its wrong state: the two that differ from it agree with one another.
  CHECK(judge_state(sound, {sound, spoilt}, 3) == state_judgement::right);
  CHECK(judge_state(spoilt, {sound, sound, sound, spoilt}, 5) == state_judgement::wrong);
  CHECK(judge_state(sound, {sound, spoilt, spoilt, sound}, 5) == state_judgement::right);
}

TEST_CASE("WAL-06 without a majority for one state nobody gives its log up") {
  CHECK(judge_state(spoilt, {sound}, 3) == state_judgement::undecided); // the third does not answer
  CHECK(judge_state(spoilt, {sound}, 2) == state_judgement::undecided);
  CHECK(judge_state(spoilt, {sound, other_one}, 3) == state_judgement::undecided);
  CHECK(judge_state(spoilt, {sound, sound, other_one, other_one}, 5) == state_judgement::undecided);
  CHECK(judge_state(spoilt, {}, 3) == state_judgement::undecided);
  CHECK(judge_state(sound, {sound, spoilt}, 4) == state_judgement::undecided);
}
