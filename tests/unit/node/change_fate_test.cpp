// A membership change that nobody told the outcome of (ENR-11, ENR-16).
#include "actors/node/change_fate.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::node;

namespace {

const std::string first = "11111111-2222-4333-8444-555555555555";
const std::string newcomer = "22222222-2222-4333-8444-555555555555";

raft::membership_change change(raft::change_kind kind) {
  raft::membership_change out;
  out.kind = kind;
  out.id = *raft::parse_node_id(newcomer);
  return out;
}

msg::consensus_status members(std::vector<std::string> ids) {
  msg::consensus_status out;
  out.members = std::move(ids);
  return out;
}

} // namespace

TEST_CASE(
    "ENR-11 a newcomer is in, or surely not, as soon as a later leader's entry is known to be committed") {
  const auto add = change(raft::change_kind::add_learner);
  CHECK(fate_of(add, members({first, newcomer}), true) == change_fate::done);
  CHECK(fate_of(add, members({first}), true) == change_fate::not_done);
  const auto remove = change(raft::change_kind::remove);
  CHECK(fate_of(remove, members({first}), true) == change_fate::done);
  CHECK(fate_of(remove, members({first, newcomer}), true) == change_fate::not_done);
}

TEST_CASE("ENR-11 before that nobody can tell: the entry in the log here may still be overwritten, or come") {
  const auto add = change(raft::change_kind::add_learner);
  CHECK(fate_of(add, members({first, newcomer}), false) == change_fate::open);
  CHECK(fate_of(add, members({first}), false) == change_fate::open);
  auto joint = members({first, newcomer});
  joint.joint = true;
  CHECK(fate_of(change(raft::change_kind::remove), joint, true) == change_fate::open);
  CHECK(fate_of(add, members({}), true) == change_fate::open); // consensus did not answer
  CHECK(fate_of(change(raft::change_kind::promote), members({first, newcomer}), true) == change_fate::open);
}
