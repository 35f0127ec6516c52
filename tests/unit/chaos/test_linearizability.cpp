#include "tools/chaos/linearizability.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <random>

using namespace holdfast::chaos;

namespace {

constexpr auto never = std::numeric_limits<std::int64_t>::max();

operation op(op_kind kind, std::uint64_t value, std::int64_t called, std::int64_t returned,
             op_outcome outcome = op_outcome::ok, std::uint64_t expected = 0) {
  operation o;
  o.kind = kind;
  o.value = value;
  o.expected = expected;
  o.called = called;
  o.returned = outcome == op_outcome::unknown ? never : returned;
  o.outcome = outcome;
  return o;
}

verdict judge(const history& h) {
  return check_linearizable(h).what;
}

/// Tries every order of every subset that must be there: right by construction, for small histories.
bool brute_force(const history& h, std::vector<bool>& placed, std::uint64_t state) {
  bool finished = true;
  for (std::size_t i = 0; i < h.size(); ++i) {
    finished = finished && (placed[i] || h[i].outcome != op_outcome::ok);
  }
  if (finished) {
    return true;
  }
  for (std::size_t i = 0; i < h.size(); ++i) {
    if (placed[i] || h[i].outcome == op_outcome::refused) {
      continue;
    }
    bool first = true;
    for (std::size_t j = 0; j < h.size(); ++j) {
      first =
          first && (placed[j] || j == i || h[j].outcome != op_outcome::ok || h[j].returned >= h[i].called);
    }
    std::uint64_t after = state;
    bool fits = first;
    switch (h[i].kind) {
    case op_kind::put:
      after = h[i].value;
      break;
    case op_kind::remove:
      after = 0;
      break;
    case op_kind::conditional_put:
      fits = fits && state == h[i].expected;
      after = h[i].value;
      break;
    case op_kind::get:
      fits = fits && state == h[i].value;
      break;
    }
    if (!fits) {
      continue;
    }
    placed[i] = true;
    if (brute_force(h, placed, after)) {
      return true;
    }
    placed[i] = false;
  }
  return false;
}

/// Clients against a real register, with some outcomes lost; `lie` makes some reads stale.
history simulate(std::mt19937_64& rng, std::size_t count, std::uint32_t keys, std::uint32_t clients,
                 bool lie) {
  history h;
  std::vector<std::uint64_t> current(keys, 0);
  std::vector<std::uint64_t> stale(keys, 0);
  std::vector<std::int64_t> busy(clients, 0);
  std::uint64_t next = 1;
  std::int64_t now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto client = static_cast<std::uint32_t>(rng() % clients);
    const auto key = static_cast<std::uint32_t>(rng() % keys);
    now = std::max(now + 1, busy[client] + 1);
    operation o = op(op_kind::get, 0, now - static_cast<std::int64_t>(rng() % 3),
                     now + static_cast<std::int64_t>(rng() % 40));
    o.called = std::max(o.called, busy[client] + 1);
    o.client = client;
    o.key = key;
    const auto dice = rng() % 10;
    if (dice < 4) {
      o.value = lie && rng() % 8 == 0 ? stale[key] : current[key];
    } else if (dice < 9) {
      o.kind = op_kind::put;
      o.value = next++;
      stale[key] = current[key];
      current[key] = o.value;
    } else {
      o.kind = op_kind::conditional_put;
      o.expected = current[key];
      o.value = next++;
      stale[key] = current[key];
      current[key] = o.value;
    }
    if (o.kind != op_kind::get && rng() % 20 == 0) {
      o.outcome = op_outcome::unknown;
      busy[client] = o.returned;
      o.returned = never;
    } else {
      busy[client] = o.returned;
    }
    h.push_back(o);
  }
  return h;
}

} // namespace

TEST_CASE("a read that goes back in time is caught") {
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::put, 2, 2, 3), op(op_kind::get, 2, 4, 5)}) ==
        verdict::linearizable);
  const auto bad =
      check_linearizable({op(op_kind::put, 1, 0, 1), op(op_kind::put, 2, 2, 3), op(op_kind::get, 1, 4, 5)});
  CHECK(bad.what == verdict::violated);
  CHECK(bad.explanation.find("get 1") != std::string::npos);
}

TEST_CASE("a lost acknowledged write is caught") {
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::get, 0, 2, 3)}) == verdict::violated);
}

TEST_CASE("concurrent operations may take effect in either order") {
  CHECK(judge({op(op_kind::put, 1, 0, 10), op(op_kind::put, 2, 0, 10), op(op_kind::get, 1, 11, 12)}) ==
        verdict::linearizable);
  CHECK(judge({op(op_kind::put, 1, 0, 10), op(op_kind::put, 2, 0, 10), op(op_kind::get, 1, 11, 12),
               op(op_kind::get, 2, 13, 14)}) == verdict::violated);
}

TEST_CASE("an unknown write may take effect late, or never, but not twice") {
  const auto lost = op(op_kind::put, 1, 0, 0, op_outcome::unknown);
  CHECK(judge({lost, op(op_kind::get, 0, 5, 6)}) == verdict::linearizable);
  CHECK(judge({lost, op(op_kind::get, 0, 5, 6), op(op_kind::get, 1, 100, 101)}) == verdict::linearizable);
  CHECK(judge({lost, op(op_kind::get, 1, 5, 6), op(op_kind::put, 2, 7, 8), op(op_kind::get, 1, 9, 10)}) ==
        verdict::violated);
}

TEST_CASE("a conditional put needs its condition; a refused one never took effect") {
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::conditional_put, 2, 2, 3, op_outcome::ok, 1)}) ==
        verdict::linearizable);
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::conditional_put, 2, 2, 3, op_outcome::ok, 7)}) ==
        verdict::violated);
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::put, 2, 2, 3, op_outcome::refused),
               op(op_kind::get, 2, 4, 5)}) == verdict::violated);
}

TEST_CASE("two writers that both saw the same revision: the second conditional put is caught") {
  CHECK(judge({op(op_kind::put, 1, 0, 1), op(op_kind::conditional_put, 2, 2, 9, op_outcome::ok, 1),
               op(op_kind::conditional_put, 3, 2, 9, op_outcome::ok, 1)}) == verdict::violated);
}

TEST_CASE("the verdict agrees with trying every order, on thousands of small histories") {
  std::mt19937_64 rng{7};
  int violated = 0;
  for (int round = 0; round < 4000; ++round) {
    const auto h = simulate(rng, 7, 1, 3, true);
    std::vector<bool> placed(h.size());
    const bool expected = brute_force(h, placed, 0);
    violated += expected ? 0 : 1;
    REQUIRE((judge(h) == verdict::linearizable) == expected);
  }
  CHECK(violated > 100);
}

TEST_CASE("a write that nobody saw costs no step, also when another one that nobody saw asked for it") {
  std::mt19937_64 rng{13};
  auto h = simulate(rng, 500, 1, 6, false);
  const auto plain = check_linearizable(h);
  h.insert(h.begin(), op(op_kind::put, 900'001, 0, 0, op_outcome::unknown));
  h.push_back(op(op_kind::conditional_put, 900'002, 1, 0, op_outcome::unknown, 900'001));
  const auto with = check_linearizable(h);
  CHECK(with.what == plain.what);
  CHECK(with.steps == plain.steps);
}

TEST_CASE("100,000 operations are checked within 10 s") {
  std::mt19937_64 rng{11};
  const auto h = simulate(rng, 100'000, 40, 32, false);
  const auto began = std::chrono::steady_clock::now();
  const auto result = check_linearizable(h);
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(result.what == verdict::linearizable);
  CHECK(took < std::chrono::seconds{10});
  MESSAGE(result.operations << " operations, " << result.steps << " steps, "
                            << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms");
}
