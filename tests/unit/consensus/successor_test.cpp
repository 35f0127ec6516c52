// Whom a hand-over names by itself (architecture §11, planned hand-over within 100 ms): a member that can
// take over at once.
#include "actors/consensus/successor.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace std::chrono_literals;
using consensus::settled_successor;
using consensus::successor_candidate;

namespace {

const raft::limits bounds;

successor_candidate settled(std::uint64_t id, std::uint64_t behind = 0) {
  successor_candidate made;
  made.peer.id = {0, id};
  made.peer.behind = behind;
  made.voter = true;
  made.silent = 50ms;
  made.linked = 10s;
  return made;
}

raft::node_id node(std::uint64_t id) {
  return {0, id};
}

} // namespace

TEST_CASE("a member that has just come back is not named while another one is there") {
  auto back = settled(2);
  back.linked = 200ms;
  CHECK(settled_successor({back, settled(3, 5)}, bounds) == node(3));
  CHECK(settled_successor({settled(3, 5), back}, bounds) == node(3));
  CHECK(settled_successor({back}, bounds).is_nil());
}

TEST_CASE("who is less behind is named, observers only when there is nobody else") {
  auto observer = settled(4);
  observer.observer = true;
  CHECK(settled_successor({settled(2, 9), settled(3, 5), observer}, bounds) == node(3));
  CHECK(settled_successor({observer, settled(2, 9)}, bounds) == node(2));
  CHECK(settled_successor({observer}, bounds) == node(4));
}

TEST_CASE("a learner, a silent, a recovering and a far lagging member are left out") {
  auto learner = settled(2), silent = settled(3), recovering = settled(4), lagging = settled(5, 257);
  learner.voter = false;
  silent.silent = 500ms;
  recovering.peer.recovering = true;
  CHECK(settled_successor({learner, silent, recovering, lagging}, bounds).is_nil());
}
