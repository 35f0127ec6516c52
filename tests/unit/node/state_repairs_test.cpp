// When a member whose state the others judge wrong stops setting its log aside (WAL-06).
#include "actors/node/state_repairs.hpp"

#include "fake_files.hpp"

#include <doctest/doctest.h>

using namespace holdfast::node;
using holdfast::node::test::fake_files;

namespace {

constexpr std::uint64_t minute = 60'000;
constexpr std::uint64_t noon = 1'800'000'000'000;

} // namespace

TEST_CASE("WAL-06 a log that was set aside three times in vain is not set aside a fourth time, ever") {
  state_repairs repairs;
  for (std::uint64_t i = 0; i < state_repairs::most; ++i) {
    CHECK(repairs.may_repair(noon + i * minute));
    repairs.note_repair(100 + i, noon + i * minute);
    repairs.note_equal(50); // what was equal before the difference proves nothing
  }
  CHECK_FALSE(repairs.may_repair(noon + 4 * minute));
  CHECK_FALSE(repairs.may_repair(noon + 1000 * state_repairs::window_ms));
}

TEST_CASE("WAL-06 a repair that helped is forgotten after a while; three within that while are too many") {
  state_repairs repairs;
  for (std::uint64_t i = 0; i < state_repairs::most; ++i) {
    repairs.note_repair(100 + 10 * i, noon + i * minute);
    CHECK(repairs.awaits(105 + 10 * i));
    repairs.note_equal(105 + 10 * i);
    CHECK_FALSE(repairs.awaits(105 + 10 * i));
  }
  CHECK_FALSE(repairs.may_repair(noon + 3 * minute));
  CHECK(repairs.may_repair(noon + state_repairs::window_ms + minute / 2));
  repairs.note_repair(200, noon + state_repairs::window_ms + minute / 2);
  CHECK(repairs.size() == state_repairs::most); // the oldest is gone
  CHECK_FALSE(repairs.may_repair(noon + state_repairs::window_ms + minute / 2));
}

TEST_CASE("WAL-06 a state that is the majority's again at the index in question ends it") {
  state_repairs repairs;
  for (std::uint64_t i = 0; i < state_repairs::most; ++i)
    repairs.note_repair(100, noon);
  CHECK(repairs.gave_up_at() == 0); // the last repair may still help
  repairs.note_given_up(110);
  CHECK_FALSE(repairs.awaits(99));
  repairs.note_equal(109);
  CHECK(repairs.gave_up_at() == 110);
  CHECK(repairs.awaits(110));
  repairs.note_equal(110);
  CHECK(repairs.gave_up_at() == 0);
  CHECK(repairs.may_repair(noon + state_repairs::window_ms));
}

TEST_CASE(
    "WAL-06 what was tried survives a restart; a damaged file counts as none, and nothing is unbounded") {
  fake_files files;
  CHECK(load_state_repairs(files, "/root").size() == 0);
  state_repairs repairs;
  for (std::uint64_t i = 0; i < state_repairs::most; ++i)
    repairs.note_repair(100 + i, noon);
  repairs.note_equal(100);
  REQUIRE(save_state_repairs(files, "/root", repairs).empty());
  const auto again = load_state_repairs(files, "/root");
  CHECK(again.to_json() == repairs.to_json());
  CHECK_FALSE(again.may_repair(noon));
  repairs.note_given_up(120);
  CHECK(state_repairs::parse(repairs.to_json())->gave_up_at() == 120);
  for (const auto* bad : {"", "[]", "{}", R"({"Repairs":{}})", R"({"Repairs":[1]})", R"({"Repairs":[{}]})",
                          R"({"Repairs":[{"Index":0}]})", R"({"Repairs":[{"Index":1})",
                          R"({"Repairs":[{"Index":1},{"Index":1},{"Index":1},{"Index":1}]})"}) {
    CAPTURE(bad);
    CHECK_FALSE(state_repairs::parse(bad));
  }
  CHECK_FALSE(state_repairs::parse(R"({"Repairs":[)" + std::string(5000, ' ') + "]}"));
}
