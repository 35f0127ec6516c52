#include "tests/unit/replay/store_test_support.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::replay;
using namespace holdfast::replay::testing;

namespace {

void apply_random(object_store& store, unsigned seed, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i <= to; ++i) {
    std::mt19937 random{static_cast<unsigned>(seed * 1'000'003U + i)};
    store.apply(i, random_transaction(random, i));
  }
}

} // namespace

TEST_CASE("WAL-06 the same entries give the same digest, whoever held views meanwhile") {
  object_store plain;
  object_store watched;
  apply_random(plain, 1, 1, 3'000);
  std::vector<msg::view_ptr> views;
  for (std::uint64_t i = 1; i <= 3'000; i += 10) {
    apply_random(watched, 1, i, i + 9);
    views.push_back(watched.view());
  }
  CHECK(plain.digest() == watched.digest());
}

TEST_CASE("WAL-06 any difference shows in the digest from then on") {
  const auto digest_of = [](msg::transaction second) {
    object_store store;
    store.apply(1, put("p", "a", "1"));
    store.apply(2, std::move(second));
    store.apply(3, put("p", "a", "3"));
    return store.digest();
  };
  const auto base = digest_of(put("p", "k", "1"));
  CHECK(digest_of(put("p", "k", "1")) == base);
  for (auto& other :
       {put("p", "k", "2"), put("p", "l", "1"), put("q", "k", "1"), remove("p", "a"), remove("p", "k")}) {
    const auto digest = digest_of(other);
    CHECK(digest.commands != base.commands);
    CHECK(digest.contents != base.contents);
  }
}

TEST_CASE("the digest of the contents forgets the way that led to them") {
  object_store one;
  one.apply(1, put("p", "a", "1"));
  one.apply(7, put("p", "b", "2"));
  object_store two;
  two.apply(1, put("p", "a", "1"));
  two.apply(2, put("q", "x", "9"));
  two.apply(3, remove("q", "x"));
  two.apply(4, put("p", "b", "1"));
  two.apply(7, put("p", "b", "2"));
  CHECK(one.digest().contents == two.digest().contents);
  CHECK(one.digest().commands != two.digest().commands);
  two.apply(8, remove("p", "a"));
  two.apply(9, remove("p", "b"));
  CHECK(two.digest().contents == 0);
}

TEST_CASE("a state_hash entry is compared at the index it names") {
  object_store leader;
  object_store follower;
  apply_random(leader, 4, 1, 100);
  apply_random(follower, 4, 1, 100);
  const auto mark = leader.hash_mark();
  // Entries that were in flight when the leader looked come between.
  apply_random(leader, 4, 101, 120);
  apply_random(follower, 4, 101, 120);
  CHECK(leader.apply(121, mark) == hash_verdict::equal);
  CHECK(follower.apply(121, mark) == hash_verdict::equal);
  CHECK(leader.digest() == follower.digest());
}

TEST_CASE("a member whose state differs is found at the next state_hash entry") {
  object_store leader;
  object_store follower;
  leader.apply(1, put("p", "k", "1"));
  follower.apply(1, put("p", "k", "2"));
  CHECK(follower.apply(2, leader.hash_mark()) == hash_verdict::differs);
}

TEST_CASE("an index that is too old or before the snapshot gives no verdict") {
  object_store store;
  store.apply(1, put("p", "k", "1"));
  const auto old = store.hash_mark();
  for (std::uint64_t i = 2; i <= digest_history::depth + 1; ++i)
    store.skip(i);
  CHECK(store.apply(digest_history::depth + 2, old) == hash_verdict::unknown);

  object_store fresh;
  fresh.load(*read_back(snapshot_bytes(store.state())));
  CHECK(fresh.apply(digest_history::depth + 3, old) == hash_verdict::unknown);
  CHECK(fresh.apply(digest_history::depth + 4, {store.applied_index(), store.digest()}) ==
        hash_verdict::equal);
}

TEST_CASE("activation, gate and cut are part of the state and of the digest") {
  object_store store;
  msg::activation act;
  act.node.bytes[0] = 7;
  act.epoch = 4;
  CHECK(store.apply(1, act));
  CHECK(store.state().active == act);
  const auto before = store.digest();
  CHECK_FALSE(store.apply(2, msg::activation{{}, 3}));
  CHECK(store.state().active == act);
  CHECK(store.digest() != before);
  CHECK(store.apply(3, msg::activation{{}, 4}));
  CHECK(store.state().active.node.none());

  CHECK(store.apply(4, msg::version_gate{msg::newest_format}));
  CHECK(store.state().format == msg::newest_format);
  CHECK_FALSE(store.apply(5, msg::version_gate{msg::newest_format + 1}));
  store.apply(6, msg::compact_mark{9});
  CHECK(store.state().generation == 9);
  const auto digest = store.digest();
  store.skip(7);
  CHECK(store.digest() == digest);
  CHECK(store.applied_index() == 7);
}
