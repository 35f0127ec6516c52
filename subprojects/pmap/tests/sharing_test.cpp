// Who owns what: freeing, freeing in steps, and versions read and dropped by other threads.
#include <pmap/map.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using namespace holdfast::pmap;

namespace {

/// Counts its living copies.
class counted {
public:
  explicit counted(int value) noexcept : value_(value) { ++alive; }
  counted(const counted& other) noexcept : value_(other.value_) { ++alive; }
  counted(counted&& other) noexcept : value_(other.value_) { ++alive; }
  counted& operator=(const counted&) noexcept = default;
  counted& operator=(counted&&) noexcept = default;
  ~counted() { --alive; }
  [[nodiscard]] int value() const { return value_; }
  static inline std::atomic<int> alive{0};

private:
  int value_;
};
using counted_map = map<int, counted>;

counted_map make(int size) {
  counted_map m;
  for (int i = 0; i < size; ++i)
    m.insert_new(i, counted{i});
  return m;
}

} // namespace

TEST_CASE("nothing is left when the last version goes, whatever the order") {
  {
    counted_map m = make(10'000);
    std::vector<counted_map> versions;
    for (int i = 0; i < 100; ++i) {
      versions.push_back(m);
      m.insert_or_assign(i * 97, counted{-i});
      m.erase(i * 31);
    }
    CHECK_FALSE(m.shared());
    CHECK(versions.front().size() == 10'000);
    while (!versions.empty()) {
      versions.erase(versions.begin() + static_cast<long>(versions.size() / 2));
      CHECK(m.well_formed());
    }
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("a change of a shared map copies a path, not the map") {
  counted_map m = make(100'000);
  const int before = counted::alive;
  const counted_map old = m;
  CHECK(counted::alive == before);
  CHECK(old.shared());
  m.insert_or_assign(50'000, counted{1});
  CHECK(counted::alive - before <= static_cast<int>(counted_map::width));
}

TEST_CASE("a map that shares nothing changes in place") {
  counted_map m = make(1'000);
  const counted* where = m.find(500);
  m.insert_or_assign(500, counted{7});
  CHECK(m.find(500) == where);
  CHECK(where->value() == 7);
}

TEST_CASE("a dead map is freed a few nodes at a time") {
  counted_map m = make(50'000);
  const counted_map keep = m;
  for (int i = 0; i < 50'000; i += 2)
    m.insert_or_assign(i, counted{-1});
  const int both = counted::alive;
  remains dead{std::move(m)};
  CHECK(counted::alive == both);
  std::size_t steps = 0;
  while (!dead.done()) {
    const int before = counted::alive;
    CHECK(dead.step(4) <= 4);
    CHECK(before - counted::alive <= 4 * static_cast<int>(counted_map::width));
    ++steps;
  }
  CHECK(steps > 300);
  CHECK(counted::alive == 50'000);
  CHECK(keep.well_formed());
}

TEST_CASE("remains that are dropped half way free the rest") {
  {
    remains dead{make(10'000)};
    dead.step(10);
    remains moved{std::move(dead)};
    CHECK_FALSE(moved.done());
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("other threads read and drop versions while the owner goes on") {
  counted_map m = make(5'000);
  for (int i = 0; i < 5'000; ++i)
    m.insert_or_assign(i, counted{0});
  std::mutex mutex;
  std::vector<counted_map> offered;
  std::atomic<bool> stop{false};
  std::atomic<int> checked{0};
  std::atomic<bool> wrong{false};
  const auto reader = [&] {
    while (!stop) {
      counted_map mine;
      {
        const std::lock_guard lock{mutex};
        if (offered.empty())
          continue;
        mine = offered.back();
        offered.pop_back();
      }
      // In every version the values of one hundred keys carry one number.
      int seen = 0;
      mine.visit_all([&](int key, const counted& value) {
        if (key % 100 != 0 && value.value() != mine.find(key - key % 100)->value())
          wrong = true;
        ++seen;
        return true;
      });
      if (seen != 5'000)
        wrong = true;
      ++checked;
    }
  };
  std::thread first{reader};
  std::thread second{reader};
  for (int round = 1; checked < 200; ++round) {
    const int base = (round * 37 % 50) * 100;
    for (int i = 0; i < 100; ++i)
      m.insert_or_assign(base + i, counted{round});
    const std::lock_guard lock{mutex};
    if (offered.size() < 8)
      offered.push_back(m);
  }
  stop = true;
  first.join();
  second.join();
  CHECK_FALSE(wrong);
  offered.clear();
  m = {};
  CHECK(counted::alive == 0);
}
