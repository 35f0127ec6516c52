// Snapshots from a peer: verbatim files, resumed after a restart, put in place step by step.
#include "fixture.hpp"

#include <functional>

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

constexpr std::size_t state_bytes = 200000; // several chunks

/// A member whose oldest generation is 3, and the bytes of its base.3.
struct member {
  fake_file_system fs;
  holdfast::wal::log::opened made = open_log(fs);
  bytes file;

  member() {
    auto& l = *made.instance;
    fill(l, 1, 10, 1, 5);
    write_base(l, 1, state_bytes);
    fill(l, 11, 20, 1, 15);
    write_base(l, 2, state_bytes);
    fill(l, 21, 30, 2, 25);
    write_base(l, 3, state_bytes);
    file = fs.content(path("base.3"));
  }
};

std::unique_ptr<base_receiver> begin(holdfast::wal::log& target, const bytes& file) {
  auto receiver = target.begin_install({3}, file.size());
  REQUIRE(receiver.ok());
  return std::move(*receiver);
}

status send(base_receiver& to, const bytes& file, std::uint64_t until, std::size_t portion = 5000) {
  while (to.offset() < until) {
    const auto n = std::min<std::uint64_t>(portion, until - to.offset());
    if (auto s = to.write(to.offset(), byte_view(file).subspan(to.offset(), n)); !s)
      return s;
  }
  return {};
}

} // namespace

TEST_CASE("WAL-05 received base replaces everything") {
  member source;
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 12, 1, 6);
  auto receiver = begin(*made.instance, source.file);
  REQUIRE(send(*receiver, source.file, source.file.size()).ok());
  REQUIRE(made.instance->commit_install(std::move(receiver)).ok());
  CHECK(made.instance->last_index().value == 25);
  CHECK(made.instance->last_term().value == 2);
  CHECK(made.instance->first_index().value == 26);
  CHECK(*made.instance->chain_at({25}) == *source.made.instance->chain_at({25}));
  REQUIRE(append(*made.instance, {entry(26, 2)}).ok());
  REQUIRE(made.instance->sync().ok());
  reclaim_all(*made.instance);
  CHECK(*fs.list(wal_dir) == std::vector<std::string>{"base.3", "log.3"});
  auto again = open_log(fs, {{26}, {2}});
  CHECK(again.report.damages.empty());
  CHECK(again.instance->last_index().value == 26);
}

TEST_CASE("WAL-05 receiving goes on after a restart where whole chunks end") {
  member source;
  fake_file_system fs;
  {
    auto made = open_log(fs);
    auto receiver = begin(*made.instance, source.file);
    REQUIRE(send(*receiver, source.file, 100000).ok());
  }
  auto made = open_log(fs);
  CHECK(made.report.damages.empty());
  auto receiver = begin(*made.instance, source.file);
  CHECK(receiver->offset() == 64 + 65536 + 8);
  REQUIRE(send(*receiver, source.file, source.file.size()).ok());
  REQUIRE(made.instance->commit_install(std::move(receiver)).ok());
  CHECK(fs.content(path("base.3")) == source.file);
}

TEST_CASE("WAL-07 partial file with a damaged chunk is taken up before the damage") {
  member source;
  fake_file_system fs;
  {
    auto made = open_log(fs);
    auto receiver = begin(*made.instance, source.file);
    REQUIRE(send(*receiver, source.file, 180000).ok());
  }
  flip_bit(fs, "base.3.part", 70000);
  auto made = open_log(fs);
  CHECK(begin(*made.instance, source.file)->offset() == 64 + 65536 + 8);
}

TEST_CASE("WAL-05 partial file of another generation is thrown away") {
  member source;
  fake_file_system fs;
  auto made = open_log(fs);
  REQUIRE(send(*begin(*made.instance, source.file), source.file, 100000).ok());
  auto other = made.instance->begin_install({4}, 1000);
  REQUIRE(other.ok());
  CHECK((*other)->offset() == 0);
  CHECK_FALSE(fs.exists(path("base.3.part")));
}

TEST_CASE("WAL-07 received base that fails its checks is not put in place") {
  member source;
  auto file = source.file;
  file[100000] ^= std::byte{4};
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 12);
  auto receiver = begin(*made.instance, file);
  REQUIRE(send(*receiver, file, file.size()).ok());
  CHECK(made.instance->commit_install(std::move(receiver)).failure().kind == error_kind::corrupt);
  CHECK(made.instance->last_index().value == 12);
  REQUIRE(made.instance->abandon_install(begin(*made.instance, file)).ok());
  CHECK_FALSE(fs.exists(path("base.3.part")));
  check_entries(*made.instance);
}

TEST_CASE("WAL-05 bytes out of turn and early ends are refused") {
  member source;
  fake_file_system fs;
  auto made = open_log(fs);
  auto receiver = begin(*made.instance, source.file);
  CHECK(receiver->write(10, bytes_of("x")).failure().kind == error_kind::invalid);
  CHECK(receiver->write(0, bytes(source.file.size() + 1)).failure().kind == error_kind::invalid);
  REQUIRE(send(*receiver, source.file, 1000).ok());
  CHECK(receiver->finish().failure().kind == error_kind::invalid);
  CHECK(made.instance->commit_install(std::move(receiver)).failure().kind == error_kind::invalid);
  CHECK(made.instance->begin_install({3}, 10).failure().kind == error_kind::invalid);
}

TEST_CASE("WAL-07 rot in a base is met before a byte of that chunk is sent or loaded") {
  member source;
  flip_bit(source.fs, "base.3", 140000);
  auto reader = source.made.instance->open_base({3});
  REQUIRE(reader.ok());
  CHECK(reader->read_raw(0, 131000).ok());
  CHECK(reader->read_raw(131000, 5000).failure().kind == error_kind::corrupt);
  CHECK(reader->next().ok());
  CHECK(reader->next().ok());
  CHECK(reader->next().failure().kind == error_kind::corrupt);
}

TEST_CASE("WAL-04 raw reads of any portion give the file's bytes") {
  member source;
  auto reader = source.made.instance->open_base({3});
  REQUIRE(reader.ok());
  for (const std::size_t portion : {std::size_t{1000}, std::size_t{65544}, std::size_t{1} << 20}) {
    bytes all;
    for (auto part = reader->read_raw(0, portion); part.ok() && !part->empty();
         part = reader->read_raw(all.size(), portion))
      all.insert(all.end(), part->begin(), part->end());
    CHECK(all == source.file);
  }
}

TEST_CASE("WAL-08 power cut at every call of an install: the old log or the new base, never a mixture") {
  member source;
  const auto run = [&](fake_file_system& fs, std::uint64_t cut_at) {
    {
      auto made = open_log(fs);
      fill(*made.instance, 1, 12, 1, 6);
    }
    const auto before = fs.calls();
    if (cut_at != 0)
      fs.cut_power_at(before + cut_at);
    auto made = holdfast::wal::log::open(fs, wal_dir, small_options(), {});
    if (!made)
      return fs.calls() - before;
    auto receiver = made->instance->begin_install({3}, source.file.size());
    if (receiver && send(**receiver, source.file, source.file.size(), 100000))
      (void)made->instance->commit_install(std::move(*receiver));
    return fs.calls() - before;
  };
  fake_file_system whole;
  const auto calls = run(whole, 0);
  REQUIRE(calls > 10);
  bool seen_old = false;
  bool seen_new = false;
  for (std::uint64_t call = 1; call <= calls + 1; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    run(fs, call);
    fs.for_each_crash(7, 20, call, [&](fake_file_system& disk) {
      auto made = open_log(disk);
      CHECK(made.report.damages.empty());
      const auto last = made.instance->last_index().value;
      CHECK((last == 12 || last == 25));
      (last == 12 ? seen_old : seen_new) = true;
      check_entries(*made.instance);
      REQUIRE(append(*made.instance, {entry(last + 1, 5)}).ok());
      REQUIRE(made.instance->sync().ok());
      auto nothing_more = crash_choice::of_mask(0);
      const auto after = disk.after_power_cut(nothing_more);
      CHECK(open_log(*after, {{last + 1}, {5}}).instance->last_index().value == last + 1);
    });
  }
  CHECK(seen_old);
  CHECK(seen_new);
}

TEST_CASE("WAL-07 rot in a base whose putting in place was interrupted is reported") {
  member source;
  fake_file_system fs;
  { auto made = open_log(fs); }
  auto file = source.file;
  file[70000] ^= std::byte{1};
  fs.set_content(path("base.3.install"), file);
  auto made = open_log(fs);
  CHECK(made.report.rotten());
  CHECK(made.instance->refuses_appends());
  REQUIRE(made.instance->discard_damage().ok());
  CHECK_FALSE(fs.exists(path("base.3.install")));
  CHECK(append(*made.instance, {entry(1)}).ok());
}

TEST_CASE("WAL-11 full disk while receiving can be waited out") {
  member source;
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 3);
  auto receiver = begin(*made.instance, source.file);
  fs.set_capacity(60000);
  CHECK(send(*receiver, source.file, source.file.size()).failure().kind == error_kind::no_space);
  fs.set_capacity(0);
  REQUIRE(send(*receiver, source.file, source.file.size()).ok());
  REQUIRE(made.instance->commit_install(std::move(receiver)).ok());
  CHECK(made.instance->last_index().value == 25);
}

namespace {

constexpr std::size_t large_state = 700000; // written out in several pieces

/// Runs `work` once for each of its changing calls, with that call failing, and counts how often it still
/// said that all went well. Then the power goes: what was put in place must be there whole.
void fail_each_call(const std::string& name, const bytes& whole,
                    const std::function<bool(holdfast::wal::log&)>& work) {
  std::size_t refused = 0;
  for (std::uint64_t k = 1;; ++k) {
    fake_file_system fs;
    auto made = open_log(fs);
    fill(*made.instance, 1, 10, 1, 5);
    const auto before = fs.calls();
    fs.inject(fault{before + k, error_kind::io, false});
    const bool done = work(*made.instance);
    const bool reached = fs.calls() >= before + k;
    auto nothing_kept = crash_choice::of_mask(0);
    if (done)
      REQUIRE(fs.after_power_cut(nothing_kept)->content(path(name)) == whole);
    refused += done ? 0 : 1;
    if (!reached)
      break;
  }
  CHECK(refused > 10);
}

bytes whole_base(std::uint64_t gen) {
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 10, 1, 5);
  write_base(*made.instance, gen, large_state);
  return fs.content(path("base." + std::to_string(gen)));
}

} // namespace

TEST_CASE("WAL-04 a base of which the disk lost a piece on its way is never put in place") {
  fail_each_call("base.1", whole_base(1), [](holdfast::wal::log& target) {
    auto writer = target.begin_base({1});
    return writer.ok() && (*writer)->write(state_of(1, large_state)).ok() && (*writer)->finish().ok() &&
           target.commit_base(std::move(*writer)).ok();
  });
}

TEST_CASE("WAL-05 a received base of which the disk lost a piece on its way is never put in place") {
  const auto whole = whole_base(1);
  fail_each_call("base.1", whole, [&whole](holdfast::wal::log& target) {
    auto receiver = target.begin_install({1}, whole.size());
    return receiver.ok() && send(**receiver, whole, whole.size(), 65536).ok() &&
           target.commit_install(std::move(*receiver)).ok();
  });
}
