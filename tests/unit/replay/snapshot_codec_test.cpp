#include "actors/replay/state_hash.hpp"
#include "tests/unit/replay/store_test_support.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::replay;
using namespace holdfast::replay::testing;

namespace {

object_store sample(unsigned seed, std::uint64_t entries) {
  object_store store;
  std::mt19937 random{seed};
  for (std::uint64_t i = 1; i <= entries; ++i)
    store.apply(i, random_transaction(random, i));
  msg::activation act;
  act.node.bytes = {1, 2, 3};
  act.epoch = 6;
  store.apply(entries + 1, act);
  store.apply(entries + 2, msg::version_gate{1});
  store.apply(entries + 3, msg::compact_mark{3});
  return store;
}

std::string refusal(msg::byte_view bytes) {
  snapshot_reader reader;
  if (reader.feed(bytes) != snapshot_reader::status::failed)
    return {};
  return reader.error();
}

/// A snapshot written by hand, with a right hash at its end.
class forged {
public:
  msg::byte_buffer bytes;
  msg::wire_writer w{bytes};

  forged(std::uint64_t index, std::uint64_t contents, std::uint64_t tables, std::uint64_t objects,
         std::uint64_t answers) {
    w.raw(msg::as_bytes("HFSTATE1"));
    w.u64(index);
    w.zigzag(100);
    w.u64(0);
    w.u64(contents);
    w.u32(1);
    w.raw(msg::as_bytes(std::string(16, '\0')));
    w.u64(0);
    w.u64(0);
    w.varint(tables);
    w.varint(objects);
    w.varint(answers);
  }
  void table(std::string_view name, std::uint64_t change, std::uint64_t objects) {
    w.text(name);
    w.varint(change);
    w.varint(objects);
  }
  void object(std::string_view key, std::uint64_t rev, std::string_view json) {
    w.text(key);
    w.varint(rev);
    w.text(json);
  }
  void answer(std::uint64_t index, std::int64_t time, std::string_view key) {
    w.varint(index);
    w.zigzag(time);
    w.text(key);
    w.u16(200);
    w.text("");
  }
  std::string verdict() {
    stream_hash hash;
    hash.add(bytes.data(), bytes.size());
    w.u64(hash.value());
    return refusal(bytes);
  }
};

std::uint64_t hash_of(std::string_view prefix, std::string_view key, std::uint64_t rev, std::string json) {
  return object_hash(prefix, key, {std::move(json), {rev}});
}

bool says(const std::string& error, std::string_view part) {
  return error.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a state comes back from its snapshot as it was, in chunks of any size") {
  const object_store store = sample(5, 3'000);
  const auto bytes = snapshot_bytes(store.state());
  REQUIRE_FALSE(bytes.empty());
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4'096}, bytes.size()}) {
    CAPTURE(chunk);
    auto state = read_back(bytes, chunk);
    REQUIRE(state);
    CHECK(state->applied_index == store.applied_index());
    CHECK(state->digest == store.digest());
    CHECK(state->active == store.state().active);
    CHECK(state->format == 1);
    CHECK(state->generation == 3);
    CHECK(state->objects == store.state().objects);
    CHECK(state->answers.bytes == store.state().answers.bytes);
    CHECK(state->prefixes.well_formed());
    CHECK(snapshot_bytes(*state) == bytes);
  }
}

TEST_CASE("the size of the chunks that are written does not show in the bytes") {
  const object_store store = sample(6, 500);
  CHECK(snapshot_bytes(store.state(), 64) == snapshot_bytes(store.state(), 1U << 20U));
}

TEST_CASE("an empty state has a snapshot too") {
  const auto state = read_back(snapshot_bytes(object_store{}.state()));
  REQUIRE(state);
  CHECK(state->applied_index == 0);
}

TEST_CASE("WAL-03 equal states give equal bytes whatever way led to them") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    // One member replays everything; one starts from snapshots again and again and has readers all the time.
    object_store whole;
    auto stepwise = std::make_unique<object_store>();
    std::vector<msg::view_ptr> readers;
    std::mt19937 random{seed};
    for (std::uint64_t i = 1; i <= 2'000; ++i) {
      const auto tx = random_transaction(random, i);
      const auto one = whole.apply(i, msg::transaction{tx});
      const auto two = stepwise->apply(i, msg::transaction{tx});
      REQUIRE(one.status == two.status);
      REQUIRE(one.changes.size() == two.changes.size());
      if (i % 97 == 0) {
        auto next = std::make_unique<object_store>();
        next->load(*read_back(snapshot_bytes(stepwise->state())));
        stepwise = std::move(next);
      }
      if (i % 13 == 0)
        readers.push_back(stepwise->view());
    }
    CHECK(whole.digest() == stepwise->digest());
    CHECK(snapshot_bytes(whole.state()) == snapshot_bytes(stepwise->state()));
  }
}

TEST_CASE("a snapshot is written from a view while the store goes on") {
  object_store store = sample(8, 1'000);
  const auto view = store.snapshot();
  const auto expected = snapshot_bytes(store.state());
  std::uint64_t next = store.applied_index() + 1;
  msg::byte_buffer bytes;
  const auto written = write_snapshot(
      view->state(),
      [&](msg::byte_view part) {
        bytes.insert(bytes.end(), part.begin(), part.end());
        store.apply(next, put("machines", "key-" + std::to_string(next % 300), "changed"));
        ++next;
        return true;
      },
      512);
  CHECK(written == expected.size());
  CHECK(bytes == expected);
}

TEST_CASE("the writer stops at once when the sink refuses") {
  const object_store store = sample(9, 1'000);
  int calls = 0;
  const auto written = write_snapshot(
      store.state(), [&calls](msg::byte_view) { return ++calls < 3; }, 256);
  CHECK_FALSE(written);
  CHECK(calls == 3);
}

TEST_CASE("WAL-07 every shortened snapshot is unfinished, every flipped bit is found") {
  const object_store store = sample(10, 60);
  const auto bytes = snapshot_bytes(store.state());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    snapshot_reader reader;
    REQUIRE(reader.feed(msg::byte_view{bytes}.first(size)) == snapshot_reader::status::more);
    REQUIRE_THROWS_AS(static_cast<void>(reader.take()), std::logic_error);
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto bad = bytes;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    REQUIRE_FALSE(read_back(bad));
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  CHECK(says(refusal(longer), "bytes follow the end"));
}

TEST_CASE("a snapshot that breaks a rule is refused with the reason, although its hash is right") {
  {
    forged f{10, hash_of("p", "k", 5, "{}"), 1, 1, 0};
    f.table("p", 7, 1);
    f.object("k", 5, "{}");
    CHECK(f.verdict().empty());
  }
  {
    forged f{10, 0, 1, 1, 0};
    f.table("p", 7, 1);
    f.object("k", 5, "{}");
    CHECK(says(f.verdict(), "hash of the contents"));
  }
  {
    forged f{10, hash_of("p", "k", 5, "{}"), 1, 2, 0};
    f.table("p", 7, 1);
    f.object("k", 5, "{}");
    CHECK(says(f.verdict(), "number of objects"));
  }
  {
    forged f{10, 0, 1, 2, 0};
    f.table("p", 7, 2);
    f.object("k", 5, "{}");
    f.object("j", 5, "{}");
    CHECK(says(f.verdict(), "objects are out of order"));
  }
  {
    forged f{10, 0, 2, 0, 0};
    f.table("p", 7, 0);
    f.table("p", 7, 0);
    CHECK(says(f.verdict(), "prefixes are out of order"));
  }
  {
    forged f{10, 0, 1, 1, 0};
    f.table("p", 7, 1);
    f.object("k", 8, "{}");
    CHECK(says(f.verdict(), "newer than the last change"));
  }
  {
    forged f{10, 0, 1, 0, 0};
    f.table("p", 11, 0);
    CHECK(says(f.verdict(), "after the index"));
  }
  {
    forged f{10, 0, 0, 0, 2};
    f.answer(3, 5, "k");
    f.answer(4, 5, "k");
    CHECK(says(f.verdict(), "one key"));
  }
  {
    forged f{10, 0, 0, 0, 2};
    f.answer(4, 5, "a");
    f.answer(3, 5, "b");
    CHECK(says(f.verdict(), "answers are out of order"));
  }
  {
    forged f{10, 0, 0, 0, 1};
    f.answer(4, 101, "a");
    CHECK(says(f.verdict(), "newer than the snapshot"));
  }
}
