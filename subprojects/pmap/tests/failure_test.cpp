// What happens when memory runs out in the middle of a change. The allocator of this program can be told to
// fail.
#include <pmap/map.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <new>
#include <random>

namespace {
// Allocations left before one fails; negative: none fails.
thread_local long fuse = -1;
} // namespace

void* operator new(std::size_t size) {
  if (fuse == 0) {
    fuse = -1;
    throw std::bad_alloc{};
  }
  if (fuse > 0)
    --fuse;
  if (void* memory = std::malloc(size == 0 ? 1 : size); memory != nullptr)
    return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

using namespace holdfast::pmap;

TEST_CASE("a change that fails for want of memory changes nothing") {
  std::mt19937 random{11};
  map<int, int> m;
  std::map<int, int> model;
  int failures = 0;
  for (int i = 0; i < 20'000; ++i) {
    const map<int, int> shared = i % 3 == 0 ? m : map<int, int>{};
    const int key = static_cast<int>(random() % 5'000);
    const bool insert = random() % 3 != 0;
    fuse = static_cast<long>(random() % 4);
    bool failed = false;
    try {
      if (insert)
        m.insert_or_assign(key, i);
      else
        m.erase(key);
    } catch (const std::bad_alloc&) {
      failed = true;
      ++failures;
    }
    fuse = -1;
    if (!failed) {
      if (insert)
        model[key] = i;
      else
        model.erase(key);
    }
    if (i % 101 == 0) {
      REQUIRE(m.well_formed());
      REQUIRE(m.size() == model.size());
      for (const auto& [k, v] : model)
        REQUIRE(*m.find(k) == v);
    }
  }
  CHECK(failures > 1'000);
}
