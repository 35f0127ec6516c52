// The log as its host uses it: append, read, truncate, cut, limits, full disk.
#include "fixture.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

TEST_CASE("WAL-07 what was appended reads back from any index, in portions") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 300, 1, 100);
  CHECK(l.first_index().value == 1);
  CHECK(l.current_generation().value == 1);
  for (std::uint64_t from = 1; from <= 300; from += 7) {
    const auto got = l.read({from}, 500);
    REQUIRE(got.ok());
    REQUIRE(!got->empty());
    CHECK(got->front().index.value == from);
    CHECK(got->front().payload == payload_of(from, 1));
  }
  const auto all = l.read({1}, 1 << 20);
  CHECK(all->size() == 300);
  CHECK(all->at(99).cut);
  CHECK(all->at(99).kind == 9);
  CHECK(l.read({301}, 10)->empty());
}

TEST_CASE("WAL-07 one entry is read even when it is larger than the limit") {
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 3);
  CHECK(made.instance->read({2}, 0)->size() == 1);
}

TEST_CASE("WAL-09 chain value at an index is equal on two logs with equal entries, and differs after a "
          "difference") {
  fake_file_system one;
  fake_file_system two;
  auto a = open_log(one);
  auto b = open_log(two);
  fill(*a.instance, 1, 200, 1, 50);
  fill(*b.instance, 1, 150, 1, 50);
  fill(*b.instance, 151, 200, 2);
  for (std::uint64_t i = 0; i <= 150; ++i)
    CHECK(*a.instance->chain_at({i}) == *b.instance->chain_at({i}));
  for (std::uint64_t i = 151; i <= 200; ++i)
    CHECK(*a.instance->chain_at({i}) != *b.instance->chain_at({i}));
  CHECK(a.instance->chain_at({201}).failure().kind == error_kind::not_found);
}

TEST_CASE("WAL-07 terms are known for every entry and for the one before the first") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 10, 1);
  fill(l, 11, 20, 3, 15);
  fill(l, 21, 25, 8);
  for (const auto reopened : {false, true}) {
    auto again = reopened ? open_log(fs) : holdfast::wal::log::opened{};
    auto& target = reopened ? *again.instance : l;
    CHECK(target.term_at({0})->value == 0);
    CHECK(target.term_at({10})->value == 1);
    CHECK(target.term_at({11})->value == 3);
    CHECK(target.term_at({20})->value == 3);
    CHECK(target.term_at({21})->value == 8);
    CHECK(target.term_at({26}).failure().kind == error_kind::not_found);
  }
}

TEST_CASE("WAL-07 broken preconditions change nothing") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 5, 2);
  const auto before = fs.all();
  CHECK(append(l, {entry(7, 2)}).failure().kind == error_kind::invalid);
  CHECK(append(l, {entry(6, 2), entry(8, 2)}).failure().kind == error_kind::invalid);
  CHECK(append(l, {entry(6, 1)}).failure().kind == error_kind::invalid);
  const bytes huge(small_options().max_payload_bytes + 1);
  const record_view too_large{{6}, {2}, 1, false, huge};
  CHECK(l.append({&too_large, 1}).failure().kind == error_kind::invalid);
  CHECK(l.truncate_from({0}).failure().kind == error_kind::invalid);
  CHECK(l.begin_base({4}).failure().kind == error_kind::not_found);
  CHECK(fs.all() == before);
  CHECK(append(l, {}).ok());
  CHECK(l.last_index().value == 5);
}

TEST_CASE("WAL-08 append does not sync, sync does, an idle sync costs nothing") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  const auto before = fs.syncs();
  REQUIRE(append(l, {entry(1), entry(2)}).ok());
  CHECK(fs.syncs() == before);
  CHECK(l.synced().index.value == 0);
  CHECK(l.last_index().value == 2);
  REQUIRE(l.sync().ok());
  CHECK(fs.syncs() == before + 1);
  CHECK(l.synced() == synced_hint{{2}, {1}});
  REQUIRE(l.sync().ok());
  CHECK(fs.syncs() == before + 1);
}

TEST_CASE("WAL-08 never more than one unsynced window is outstanding") {
  fake_file_system fs;
  auto made = open_log(fs);
  std::vector<made_entry> many;
  for (std::uint64_t i = 1; i <= 400; ++i)
    many.push_back(entry(i));
  const auto before = fs.syncs();
  REQUIRE(append(*made.instance, many).ok());
  CHECK(fs.syncs() > before);
  CHECK(made.instance->synced().index.value > 200);
  check_entries(*made.instance);
}

TEST_CASE("WAL-11 failed sync is final: no second try, nothing more is accepted or served") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  REQUIRE(append(l, {entry(1)}).ok());
  fs.inject(fault{fs.calls() + 1, error_kind::io, false});
  CHECK(l.sync().failure().kind == error_kind::io);
  const auto calls = fs.calls();
  CHECK(l.sync().failure().kind == error_kind::poisoned);
  CHECK(append(l, {entry(2)}).failure().kind == error_kind::poisoned);
  CHECK(l.read({1}, 10).failure().kind == error_kind::poisoned);
  CHECK(l.truncate_from({1}).failure().kind == error_kind::poisoned);
  CHECK(l.reserve(10).failure().kind == error_kind::poisoned);
  CHECK(l.begin_base({0}).failure().kind == error_kind::poisoned);
  CHECK(l.chain_at({1}).failure().kind == error_kind::poisoned);
  CHECK(l.drop_old_generations().failure().kind == error_kind::poisoned);
  CHECK(fs.calls() == calls);
}

TEST_CASE("WAL-11 full disk: no_space with nothing written, usable again when there is room") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fs.set_capacity(9000);
  std::uint64_t next = 1;
  status s;
  while ((s = append(l, {entry(next)})).ok())
    ++next;
  CHECK(s.failure().kind == error_kind::no_space);
  CHECK(l.last_index().value == next - 1);
  const auto before = fs.all();
  CHECK(append(l, {entry(next)}).failure().kind == error_kind::no_space);
  CHECK(fs.all() == before);
  REQUIRE(l.sync().ok());
  CHECK(l.reserve(5000).failure().kind == error_kind::no_space);
  fs.set_capacity(0);
  REQUIRE(append(l, {entry(next)}).ok());
  check_entries(l);
}

TEST_CASE("WAL-11 urgent entries use the spare of a full disk") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fs.set_capacity(4096 + 64 + 100);
  std::uint64_t next = 1;
  while (append(l, {entry(next)}).ok())
    ++next;
  const record_view leadership{{next}, {2}, 5, false, {}};
  CHECK(l.append({&leadership, 1}).failure().kind == error_kind::no_space);
  REQUIRE(l.append({&leadership, 1}, true).ok());
  REQUIRE(l.sync().ok());
  auto again = open_log(fs, {{next}, {2}});
  CHECK(again.instance->last_index().value == next);
  fs.set_capacity(0);
  auto settled = open_log(fs, {{next}, {2}});
  CHECK(fs.content(path("log.0")).size() % 4096 == 0);
}

TEST_CASE("WAL-11 full disk at a cut leaves no trace of the next log file") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 2);
  fs.set_capacity(4096 + 64 + 2000);
  const auto before = fs.all();
  CHECK(append(l, {entry(3), entry(4, 1, true), entry(5)}).failure().kind == error_kind::no_space);
  CHECK(fs.all() == before);
  fs.set_capacity(0);
  REQUIRE(append(l, {entry(3), entry(4, 1, true), entry(5)}).ok());
  CHECK(l.current_generation().value == 1);
}

TEST_CASE("WAL-05 entries after a cut go to the next file at once; the base follows") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  REQUIRE(append(l, {entry(1), entry(2, 1, true), entry(3)}).ok());
  CHECK(l.current_generation().value == 1);
  CHECK(fs.exists(path("log.1")));
  CHECK_FALSE(fs.exists(path("base.1")));
  REQUIRE(l.pending_cuts().size() == 1);
  CHECK(l.pending_cuts().front().index.value == 2);
  write_base(l, 1);
  CHECK(l.pending_cuts().empty());
  CHECK(l.base().index.value == 2);
  CHECK(l.first_index().value == 1);
  CHECK(l.truncate_from({2}).failure().kind == error_kind::invalid);
}

TEST_CASE("WAL-05 two generations are kept, older ones go in steps") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 10, 1, 5);
  write_base(l, 1);
  REQUIRE(l.drop_old_generations().ok());
  CHECK(fs.exists(path("base.0")));
  fill(l, 11, 20, 1, 15);
  write_base(l, 2);
  REQUIRE(l.drop_old_generations().ok());
  CHECK(l.oldest_generation().value == 1);
  CHECK(l.first_index().value == 6);
  reclaim_all(l);
  CHECK(*fs.list(wal_dir) == std::vector<std::string>{"base.1", "base.2", "log.1", "log.2"});
  check_entries(l);
}

TEST_CASE("WAL-05 bases are committed in order, and only of cuts that still stand") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 10, 1, 5);
  fill(l, 11, 20, 1, 15);
  auto second = l.begin_base({2});
  REQUIRE((*second)->finish().ok());
  CHECK(l.commit_base(std::move(*second)).failure().kind == error_kind::invalid);
  auto stale = l.begin_base({1});
  REQUIRE((*stale)->finish().ok());
  REQUIRE(l.truncate_from({5}).ok());
  CHECK(l.commit_base(std::move(*stale)).failure().kind == error_kind::invalid);
}

TEST_CASE("WAL-08 truncation is durable on return and reads end there") {
  fake_file_system fs;
  auto made = open_log(fs);
  auto& l = *made.instance;
  fill(l, 1, 40, 1, 20);
  REQUIRE(l.truncate_from({15}).ok());
  CHECK(l.last_index().value == 14);
  CHECK(l.synced().index.value == 14);
  CHECK(l.current_generation().value == 0);
  CHECK_FALSE(fs.exists(path("log.1")));
  auto none = crash_choice::of_mask(0);
  const auto crashed = fs.after_power_cut(none);
  auto again = open_log(*crashed, {{14}, {1}});
  CHECK(again.instance->last_index().value == 14);
  CHECK(l.truncate_from({30}).ok()); // past the end: nothing to do
}

TEST_CASE("WAL-05 options that contradict each other are refused") {
  fake_file_system fs;
  auto o = small_options();
  o.large_step_bytes = 5000;
  CHECK(holdfast::wal::log::open(fs, wal_dir, o, {}).failure().kind == error_kind::invalid);
  o = small_options();
  o.max_unsynced_bytes = 100;
  CHECK(holdfast::wal::log::open(fs, wal_dir, o, {}).failure().kind == error_kind::invalid);
}
