// Majorities against a brute-force oracle: every configuration of up to five nodes, plain and joint.
#include <raft/config.hpp>
#include <raft/quorum.hpp>

#include <doctest/doctest.h>

using namespace holdfast::raft;

namespace {

constexpr unsigned node_count = 5;

/// Bit i of `in` and `out`: node i votes in the new and in the old set.
config config_of(unsigned in, unsigned out, bool joint) {
  config c;
  c.joint = joint;
  for (unsigned i = 0; i < node_count; ++i) {
    member m;
    m.id = {0, i + 1};
    m.voter = (in >> i & 1U) != 0;
    m.outgoing = joint && (out >> i & 1U) != 0;
    c.members.push_back(m);
  }
  return c;
}

unsigned bit(node_id id) {
  return static_cast<unsigned>(id.low - 1);
}

/// By definition: more than half of the set's bits are in `yes`.
bool oracle_majority(unsigned set, unsigned yes) {
  return set != 0 && 2 * __builtin_popcount(set & yes) > __builtin_popcount(set);
}
bool oracle_quorum(unsigned in, unsigned out, bool joint, unsigned yes) {
  return oracle_majority(in, yes) && (!joint || oracle_majority(out, yes));
}

template <class Visit>
void for_every_config(Visit visit) {
  for (unsigned in = 0; in < 1U << node_count; ++in) {
    visit(in, 0U, false);
    for (unsigned out = 0; out < 1U << node_count; ++out)
      visit(in, out, true);
  }
}

} // namespace

TEST_CASE("a quorum is a majority of each voter set, for every configuration of five nodes") {
  for_every_config([](unsigned in, unsigned out, bool joint) {
    const config c = config_of(in, out, joint);
    for (unsigned yes = 0; yes < 1U << node_count; ++yes) {
      const bool is = has_quorum(c, [&](node_id id) { return (yes >> bit(id) & 1U) != 0; });
      REQUIRE(is == oracle_quorum(in, out, joint, yes));
    }
  });
}

TEST_CASE(
    "any two quorums of one configuration share a voter, and so do those of a joint one and its parts") {
  for_every_config([](unsigned in, unsigned out, bool joint) {
    if (!joint)
      return;
    const config both = config_of(in, out, true);
    for (unsigned a = 0; a < 1U << node_count; ++a) {
      if (!has_quorum(both, [&](node_id id) { return (a >> bit(id) & 1U) != 0; }))
        continue;
      // Whatever is disjoint from a joint quorum is a quorum of neither set.
      const unsigned rest = ~a & ((1U << node_count) - 1U);
      REQUIRE_FALSE(oracle_majority(in, rest));
      REQUIRE_FALSE(oracle_majority(out, rest));
    }
  });
}

TEST_CASE("the value of a quorum is the largest that a quorum has reached") {
  for_every_config([](unsigned in, unsigned out, bool joint) {
    const config c = config_of(in, out, joint);
    for (unsigned code = 0; code < 243; ++code) { // three values for each of five nodes
      std::array<std::uint64_t, node_count> reached{};
      for (unsigned i = 0, rest = code; i < node_count; ++i, rest /= 3)
        reached[i] = rest % 3;
      const auto got = quorum_value<index_t>(c, [&](node_id id) { return index_t{reached[bit(id)]}; });
      std::uint64_t expected = 0;
      for (std::uint64_t v = 1; v <= 2; ++v) {
        unsigned at_least = 0;
        for (unsigned i = 0; i < node_count; ++i)
          at_least |= reached[i] >= v ? 1U << i : 0U;
        if (oracle_quorum(in, out, joint, at_least))
          expected = v;
      }
      REQUIRE(got.value == expected);
    }
  });
}

TEST_CASE("votes are won, lost or pending exactly when the missing answers cannot or can change it") {
  for_every_config([](unsigned in, unsigned out, bool joint) {
    const config c = config_of(in, out, joint);
    for (unsigned yes = 0; yes < 1U << node_count; ++yes)
      for (unsigned no = 0; no < 1U << node_count; no = no * 2 + 1) {
        if ((yes & no) != 0)
          continue;
        const auto result = tally(c, [&](node_id id) -> std::optional<bool> {
          if ((yes >> bit(id) & 1U) != 0)
            return true;
          return (no >> bit(id) & 1U) != 0 ? std::optional{false} : std::nullopt;
        });
        const bool won = oracle_quorum(in, out, joint, yes), possible = oracle_quorum(in, out, joint, ~no);
        REQUIRE(result == (won ? vote_result::won : possible ? vote_result::pending : vote_result::lost));
      }
  });
}

TEST_CASE("nobody decides for a configuration without voters") {
  CHECK_FALSE(has_quorum(config{}, [](node_id) { return true; }));
  CHECK(quorum_value<index_t>(config{}, [](node_id) { return index_t{9}; }) == index_t{});
}
