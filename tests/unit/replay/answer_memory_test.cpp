#include "tests/unit/replay/store_test_support.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::replay;
using namespace holdfast::replay::testing;

namespace {
constexpr std::int64_t minute = 60'000;
} // namespace

TEST_CASE("C-08 a repeated idempotency key gets the first answer and changes nothing") {
  object_store store;
  REQUIRE(store.apply(1, keyed("try", "first", 1)).status == apply_status::applied);
  auto again = store.apply(2, keyed("try", "second", 2));
  CHECK(again.status == apply_status::repeated);
  CHECK(again.answer.status == 201);
  CHECK(again.answer.body == "first");
  CHECK(again.changes.empty());
  CHECK(store.view()->get("things", "try")->rev.value == 1);
}

TEST_CASE("C-08 a repeat is a repeat even when its preconditions no longer hold") {
  object_store store;
  msg::transaction create = keyed("try", "first", 1);
  create.preconditions = {{"things", "try", msg::expectation::absent, {}}};
  REQUIRE(store.apply(1, msg::transaction{create}).status == apply_status::applied);
  CHECK(store.apply(2, std::move(create)).status == apply_status::repeated);
}

TEST_CASE("C-08 a conflict is not remembered: the write was not done") {
  object_store store;
  msg::transaction tx = keyed("try", "first", 1);
  tx.preconditions = {{"things", "x", msg::expectation::exists, {}}};
  REQUIRE(store.apply(1, std::move(tx)).status == apply_status::conflict);
  CHECK(store.apply(2, keyed("try", "second", 2)).status == apply_status::applied);
}

TEST_CASE("C-08 answers survive a snapshot, as they survive a failover") {
  object_store store;
  store.apply(1, keyed("try", "first", 1));
  object_store other;
  other.load(*read_back(snapshot_bytes(store.state())));
  CHECK(other.apply(2, keyed("try", "second", 2)).answer.body == "first");
}

TEST_CASE("answers are forgotten by log time, which never goes back") {
  object_store store{{.answer_age = std::chrono::minutes{10}}};
  store.apply(1, keyed("a", "1", 5 * minute));
  // The next leader's clock is behind; the answer counts from the latest time known.
  store.apply(2, keyed("b", "2", 1 * minute));
  CHECK(store.state().time.ms == 5 * minute);
  CHECK(store.apply(3, keyed("a", "x", 15 * minute)).status == apply_status::repeated);
  CHECK(store.apply(4, keyed("b", "x", 15 * minute + 1)).status == apply_status::applied);
  CHECK(store.apply(5, keyed("a", "x", 15 * minute + 1)).status == apply_status::applied);
  CHECK(store.state().answers.by_index.size() == 2);
}

TEST_CASE("clocks out of their mind do no harm") {
  object_store store;
  store.apply(1, keyed("a", "1", std::numeric_limits<std::int64_t>::min()));
  store.apply(2, keyed("b", "2", std::numeric_limits<std::int64_t>::max()));
  CHECK(store.apply(3, keyed("b", "x", 0)).status == apply_status::repeated);
  CHECK(store.apply(4, keyed("a", "x", 0)).status == apply_status::applied);
}

TEST_CASE("answers are bounded in count: the oldest goes first") {
  object_store store{{.answer_count = 3}};
  for (std::uint64_t i = 1; i <= 5; ++i)
    store.apply(i, keyed("k" + std::to_string(i), "", 1));
  CHECK(store.state().answers.by_index.size() == 3);
  CHECK(store.state().answers.by_key.size() == 3);
  CHECK(store.apply(6, keyed("k2", "", 1)).status == apply_status::applied);
  CHECK(store.apply(7, keyed("k5", "", 1)).status == apply_status::repeated);
}

TEST_CASE("answers are bounded in bytes, but the newest is always kept") {
  object_store store{{.answer_bytes = 1'000}};
  store.apply(1, keyed("a", std::string(500, 'x'), 1));
  store.apply(2, keyed("b", std::string(500, 'x'), 1));
  CHECK(store.state().answers.by_index.size() == 1);
  CHECK(store.state().answers.bytes <= 1'000);
  store.apply(3, keyed("c", std::string(5'000, 'x'), 1));
  CHECK(store.apply(4, keyed("c", "", 1)).status == apply_status::repeated);
  store.apply(5, keyed("d", "", 1));
  CHECK(store.state().answers.bytes == store.state().answers.by_key.find("d")->get()->cost());
}
