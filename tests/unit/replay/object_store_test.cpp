#include "actors/replay/state_hash.hpp"
#include "tests/unit/replay/store_test_support.hpp"

#include <doctest/doctest.h>

#include <map>
#include <stdexcept>
#include <vector>

using namespace holdfast;
using namespace holdfast::replay;
using namespace holdfast::replay::testing;
using action = msg::change::action;

TEST_CASE("a put creates, then updates; the revision is the log index; the change names before and after") {
  object_store store;
  auto created = store.apply(5, put("machines", "m1", R"({"a":1})"));
  REQUIRE(created.status == apply_status::applied);
  REQUIRE(created.changes.size() == 1);
  CHECK(created.changes[0].what == action::create);
  CHECK(created.changes[0].original == nullptr);
  CHECK(created.changes[0].object->rev.value == 5);
  CHECK(created.changes[0].principal == "tester");

  auto updated = store.apply(6, put("machines", "m1", R"({"a":2})"));
  REQUIRE(updated.changes.size() == 1);
  CHECK(updated.changes[0].what == action::update);
  CHECK(updated.changes[0].prefix == "machines");
  CHECK(updated.changes[0].key == "m1");
  CHECK(updated.changes[0].original->json == R"({"a":1})");
  CHECK(updated.changes[0].object->json == R"({"a":2})");

  const auto view = store.view();
  CHECK(view->get("machines", "m1")->json == R"({"a":2})");
  CHECK(view->get("machines", "m1")->rev.value == 6);
  CHECK(view->count("machines") == 1);
  CHECK(view->last_change("machines").value == 6);
  CHECK(view->applied_index() == 6);
}

TEST_CASE("a delete names what is gone; a delete of nothing changes nothing") {
  object_store store;
  store.apply(1, put("machines", "m1", "{}"));
  auto gone = store.apply(2, remove("machines", "m1"));
  REQUIRE(gone.changes.size() == 1);
  CHECK(gone.changes[0].what == action::remove);
  CHECK(gone.changes[0].object->json == "{}");
  CHECK(gone.changes[0].original->rev.value == 1);
  CHECK(store.view()->get("machines", "m1") == nullptr);
  CHECK(store.view()->count("machines") == 0);
  CHECK(store.view()->last_change("machines").value == 2);

  auto nothing = store.apply(3, remove("machines", "m1"));
  CHECK(nothing.status == apply_status::applied);
  CHECK(nothing.changes.empty());
  CHECK(store.view()->last_change("machines").value == 2);
  store.apply(4, remove("never", "heard"));
  CHECK(store.view()->last_change("never").value == 0);
}

TEST_CASE("mutations take effect in their order, also on one object") {
  object_store store;
  msg::transaction tx;
  tx.mutations = {{"p", "k", "1"}, {"p", "k", "2"}, {"p", "k", std::nullopt}, {"p", "k", "3"}};
  auto result = store.apply(9, std::move(tx));
  REQUIRE(result.changes.size() == 4);
  CHECK(result.changes[1].original->json == "1");
  CHECK(result.changes[3].what == action::create);
  CHECK(store.view()->get("p", "k")->json == "3");
  CHECK(store.state().objects == 1);
}

TEST_CASE("a failed precondition is named by position and changes nothing") {
  object_store store;
  store.apply(1, put("p", "here", "{}"));
  const auto contents = store.digest().contents;
  const auto conflict_at = [&store](std::uint64_t index, std::vector<msg::precondition> conditions) {
    msg::transaction tx = put("p", "other", "{}");
    tx.preconditions = std::move(conditions);
    auto result = store.apply(index, std::move(tx));
    REQUIRE(result.status == apply_status::conflict);
    CHECK(result.changes.empty());
    return result.failed_precondition;
  };
  CHECK(conflict_at(2, {{"p", "here", msg::expectation::absent, {}}}) == 0);
  CHECK(conflict_at(3, {{"p", "here", msg::expectation::exists, {}},
                        {"p", "no", msg::expectation::exists, {}}}) == 1);
  CHECK(conflict_at(4, {{"p", "here", msg::expectation::revision, {2}}}) == 0);
  CHECK(conflict_at(5, {{"p", "no", msg::expectation::revision, {1}}}) == 0);
  CHECK(conflict_at(6, {{"q", "here", msg::expectation::exists, {}}}) == 0);
  CHECK(store.digest().contents == contents);
  CHECK(store.view()->get("p", "other") == nullptr);
  CHECK(store.view()->last_change("p").value == 1);
  CHECK(store.applied_index() == 6);

  msg::transaction good = put("p", "other", "{}");
  good.preconditions = {{"p", "here", msg::expectation::revision, {1}},
                        {"p", "other", msg::expectation::absent, {}}};
  CHECK(store.apply(7, std::move(good)).status == apply_status::applied);
}

TEST_CASE("entries out of log order are the host's fault and change nothing") {
  object_store store;
  store.apply(5, put("p", "k", "1"));
  CHECK_THROWS_AS(store.apply(5, put("p", "k", "2")), std::logic_error);
  CHECK_THROWS_AS(store.skip(4), std::logic_error);
  CHECK(store.view()->get("p", "k")->json == "1");
}

TEST_CASE("scan goes in key order from where it is told and stops when told") {
  object_store store;
  for (std::uint64_t i = 1; i <= 500; ++i)
    store.apply(i, put("p", "key-" + std::to_string(1'000 + (i * 7) % 500), "{}"));
  std::vector<std::string> seen;
  store.view()->scan("p", "key-1250", [&seen](std::string_view key, const msg::object_ref& object) {
    CHECK(object != nullptr);
    seen.emplace_back(key);
    return seen.size() < 4;
  });
  CHECK(seen == std::vector<std::string>{"key-1250", "key-1251", "key-1252", "key-1253"});
  store.view()->scan("none", "",
                     [](std::string_view, const auto&) -> bool { throw std::logic_error("visited"); });
}

TEST_CASE("a view never changes, whatever is applied after it was taken") {
  object_store store;
  std::mt19937 random{3};
  std::map<std::string, std::string> model;
  struct moment {
    msg::view_ptr view;
    std::map<std::string, std::string> model;
  };
  std::vector<moment> moments;
  for (std::uint64_t i = 1; i <= 5'000; ++i) {
    const std::string key = std::to_string(random() % 700);
    if (random() % 3 == 0) {
      store.apply(i, remove("p", key));
      model.erase(key);
    } else {
      store.apply(i, put("p", key, std::to_string(i)));
      model[key] = std::to_string(i);
    }
    if (i % 250 == 0)
      moments.push_back({store.view(), model});
  }
  for (const auto& m : moments) {
    std::map<std::string, std::string> seen;
    m.view->scan("p", "", [&seen](std::string_view key, const msg::object_ref& object) {
      seen.emplace(key, object->json);
      return true;
    });
    REQUIRE(seen == m.model);
    REQUIRE(m.view->count("p") == m.model.size());
  }
}

TEST_CASE("one view is shared by all who ask at one index") {
  object_store store;
  store.apply(1, put("p", "k", "1"));
  const auto first = store.view();
  CHECK(store.view() == first);
  store.apply(2, put("p", "k", "2"));
  CHECK(store.view() != first);
}

TEST_CASE("load replaces everything; views of the old state stay whole and the old state is freed in steps") {
  object_store store;
  for (std::uint64_t i = 1; i <= 20'000; ++i)
    store.apply(i, put("p", std::to_string(i), "old"));
  std::weak_ptr<const msg::object_record> watched;
  {
    const auto view = store.view();
    watched = view->get("p", "12345");
    object_store other;
    other.apply(50'000, put("p", "only", "new"));
    store.load(other.state());
    CHECK(store.applied_index() == 50'000);
    CHECK(store.view()->count("p") == 1);
    CHECK(view->count("p") == 20'000);
  }
  CHECK_FALSE(watched.expired());
  std::size_t steps = 1;
  while (store.reclaim(32))
    ++steps;
  CHECK(watched.expired());
  CHECK(steps > 10);
}

TEST_CASE("writes alone keep up with what held views leave behind") {
  object_store store;
  for (std::uint64_t i = 1; i <= 5'000; ++i)
    store.apply(i, put("p", std::to_string(i % 2'000), "{}"));
  std::weak_ptr<const msg::object_record> watched;
  auto view = store.view();
  watched = view->get("p", "1999");
  for (std::uint64_t i = 5'001; i <= 9'000; ++i)
    store.apply(i, put("p", std::to_string(i % 2'000), "{}"));
  view.reset();
  for (std::uint64_t i = 9'001; i <= 10'000; ++i)
    store.apply(i, put("q", "k", "{}"));
  CHECK(watched.expired());
}
