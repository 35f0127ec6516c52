#include "actors/node/state_judgement.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::node;

namespace {

constexpr msg::state_digest good{1, 2};
constexpr msg::state_digest bad{1, 3};
constexpr msg::state_digest worse{4, 2};

} // namespace

TEST_CASE("WAL-06 a member whose state differs from the majority's is the wrong one, whatever its role") {
  CHECK(judge_state(bad, {good, good}, 3) == state_judgement::wrong);
  CHECK(judge_state(good, {bad, good}, 3) == state_judgement::right);
  // The active proposed the hash of its wrong state: the two that differ from it agree with one another.
  CHECK(judge_state(good, {good, bad}, 3) == state_judgement::right);
  CHECK(judge_state(bad, {good, good, good, bad}, 5) == state_judgement::wrong);
  CHECK(judge_state(good, {good, bad, bad, good}, 5) == state_judgement::right);
}

TEST_CASE("WAL-06 without a majority for one state nobody gives its log up") {
  CHECK(judge_state(bad, {good}, 3) == state_judgement::undecided); // the third does not answer
  CHECK(judge_state(bad, {good}, 2) == state_judgement::undecided);
  CHECK(judge_state(bad, {good, worse}, 3) == state_judgement::undecided);
  CHECK(judge_state(bad, {good, good, worse, worse}, 5) == state_judgement::undecided);
  CHECK(judge_state(bad, {}, 3) == state_judgement::undecided);
  CHECK(judge_state(good, {good, bad}, 4) == state_judgement::undecided);
}
