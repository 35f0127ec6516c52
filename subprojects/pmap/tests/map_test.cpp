#include <pmap/map.hpp>
#include <pmap/shared_string.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace holdfast::pmap;

namespace {

using int_map = map<int, std::shared_ptr<int>>;
using model_map = std::map<int, int>;

model_map contents(const int_map& m) {
  model_map found;
  m.visit_all([&found](int key, const std::shared_ptr<int>& value) {
    found.emplace_hint(found.end(), key, *value);
    return true;
  });
  return found;
}

bool same(const int_map& m, const model_map& model) {
  return m.well_formed() && m.size() == model.size() && contents(m) == model;
}

struct version {
  int_map map;
  model_map model;
};

} // namespace

TEST_CASE("an empty map finds nothing, removes nothing and visits nothing") {
  int_map m;
  CHECK(m.empty());
  CHECK(m.find(1) == nullptr);
  CHECK(m.find_for_update(1) == nullptr);
  CHECK_FALSE(m.erase(1));
  CHECK(m.visit_all([](int, const auto&) { return false; }));
  CHECK(m.well_formed());
}

TEST_CASE("every order of small inserts and removals gives what std::map gives") {
  std::vector<int> order{0, 1, 2, 3, 4, 5};
  do {
    int_map m;
    model_map model;
    for (const int key : order) {
      CHECK(m.insert_or_assign(key, std::make_shared<int>(key)));
      model[key] = key;
      REQUIRE(same(m, model));
    }
    for (const int key : order) {
      CHECK(m.erase(key));
      model.erase(key);
      REQUIRE(same(m, model));
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("random changes match std::map, and every older version stays as it was") {
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    // Narrow key ranges make many removals and merges, wide ones deep trees.
    const unsigned keys = seed % 2 == 0 ? 400 : 20'000;
    version now;
    std::deque<version> older;
    for (int i = 0; i < 30'000; ++i) {
      const int key = static_cast<int>(random() % keys);
      const bool grows = (i / 5'000) % 2 == 0;
      if (random() % 4 < (grows ? 3U : 1U)) {
        const bool fresh = now.model.insert_or_assign(key, i).second;
        REQUIRE(now.map.insert_or_assign(key, std::make_shared<int>(i)) == fresh);
      } else {
        REQUIRE(now.map.erase(key) == (now.model.erase(key) == 1));
      }
      if (random() % 500 == 0)
        older.push_back(now);
      if (older.size() > 20)
        older.erase(older.begin() + static_cast<long>(random() % older.size()));
      if (i % 997 == 0)
        REQUIRE(same(now.map, now.model));
    }
    REQUIRE(same(now.map, now.model));
    for (const auto& old : older)
      REQUIRE(same(old.map, old.model));
  }
}

TEST_CASE("keys in ascending and in descending order make good trees") {
  int_map up;
  int_map down;
  model_map model;
  for (int i = 0; i < 50'000; ++i) {
    up.insert_new(i, std::make_shared<int>(i));
    down.insert_new(49'999 - i, std::make_shared<int>(49'999 - i));
    model[i] = i;
  }
  CHECK(same(up, model));
  CHECK(same(down, model));
  for (int i = 0; i < 50'000; ++i)
    REQUIRE(up.erase(i));
  CHECK(up.empty());
  CHECK(up.well_formed());
}

TEST_CASE("visit_from starts at the first key that is not below and stops when told") {
  int_map m;
  for (int i = 0; i < 10'000; i += 2)
    m.insert_new(i, std::make_shared<int>(i));
  for (const int from : {-5, 0, 1, 2, 63, 64, 4'999, 9'997, 9'998, 9'999}) {
    CAPTURE(from);
    std::vector<int> seen;
    const bool whole = m.visit_from(from, [&seen](int key, const auto&) {
      seen.push_back(key);
      return seen.size() < 3;
    });
    std::vector<int> expected;
    for (int i = std::max(0, from + (from & 1)); i < 10'000 && expected.size() < 3; i += 2)
      expected.push_back(i);
    CHECK(seen == expected);
    CHECK(whole == (expected.size() < 3));
  }
}

TEST_CASE("find_for_update changes this version alone") {
  int_map m;
  for (int i = 0; i < 1'000; ++i)
    m.insert_new(i, std::make_shared<int>(i));
  const int_map before = m;
  *m.find_for_update(500) = std::make_shared<int>(-1);
  CHECK(**m.find(500) == -1);
  CHECK(**before.find(500) == 500);
}

TEST_CASE("a map built from sorted keys is the map that inserts make") {
  for (const int size : {0, 1, 2, 31, 32, 33, 1'023, 1'024, 1'025, 32 * 32 * 32, 32 * 32 * 32 + 1}) {
    CAPTURE(size);
    map_builder<int, std::shared_ptr<int>> builder;
    model_map model;
    for (int i = 0; i < size; ++i) {
      REQUIRE(builder.append(i * 3, std::make_shared<int>(i)));
      model[i * 3] = i;
    }
    int_map m = builder.finish();
    REQUIRE(same(m, model));
    // It must be as good for changing as any other.
    for (int i = 0; i < size; i += 7) {
      REQUIRE(m.insert_or_assign(i * 3 + 1, std::make_shared<int>(i)));
      model[i * 3 + 1] = i;
      REQUIRE(m.erase(i * 3));
      model.erase(i * 3);
    }
    REQUIRE(same(m, model));
    CHECK(builder.finish().empty());
  }
}

TEST_CASE("the builder refuses keys that do not ascend") {
  map_builder<int, std::shared_ptr<int>> builder;
  CHECK(builder.append(5, nullptr));
  CHECK_FALSE(builder.append(5, nullptr));
  CHECK_FALSE(builder.append(4, nullptr));
  CHECK(builder.append(6, nullptr));
  CHECK(builder.finish().size() == 2);
}

TEST_CASE("strings order as their bytes do, whatever their length and whatever zeros they hold") {
  const std::vector<std::string> texts{"",
                                       std::string(1, '\0'),
                                       std::string(9, '\0'),
                                       "a",
                                       std::string("a\0", 2),
                                       "ab",
                                       "abcdefgh",
                                       std::string("abcdefgh\0", 9),
                                       "abcdefghi",
                                       "abcdefgz",
                                       "b",
                                       "\x7f",
                                       "\x80",
                                       "\xff\xff"};
  for (const auto& a : texts) {
    for (const auto& b : texts) {
      CAPTURE(a);
      CAPTURE(b);
      const shared_string sa{a};
      const shared_string sb{b};
      CHECK((sa < sb) == (a < b));
      CHECK((sa == sb) == (a == b));
      CHECK(key_traits<shared_string>::less(sa, b) == (a < b));
      CHECK(key_traits<shared_string>::probe_less(a, sb) == (a < b));
    }
  }
}

TEST_CASE("a map of strings is searched with any string") {
  map<shared_string, int> m;
  std::map<std::string, int> model;
  std::mt19937 random{7};
  for (int i = 0; i < 5'000; ++i) {
    const std::string key = (random() % 2 == 0 ? "machines-" : "") + std::to_string(random() % 3'000);
    m.insert_or_assign(shared_string{key}, i);
    model[key] = i;
  }
  CHECK(m.well_formed());
  CHECK(m.size() == model.size());
  for (const auto& [key, value] : model) {
    REQUIRE(m.find(key) != nullptr);
    REQUIRE(*m.find(key) == value);
  }
  CHECK(m.find("no such key") == nullptr);
}
