// The node's own facts: vote, term, hint survive any crash; rot is noticed (HST-06 for the `raft/` files).
#include "fixture.hpp"

#include "wal/meta_pair.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

meta meta_of(std::uint64_t n) {
  meta m;
  m.cluster_id = "8d7c1f0e-cluster";
  m.node_id = "node-" + std::to_string(n % 3);
  m.term = {n};
  m.vote = n % 2 == 0 ? "" : "candidate";
  m.hint = {{n * 10}, {n}};
  m.host = std::string(n % 200, 'h');
  return m;
}

meta_pair::loaded load(fake_file_system& fs) {
  meta_pair pair(fs, "raft");
  auto out = pair.load();
  REQUIRE(out.ok());
  return std::move(*out);
}

std::unique_ptr<fake_file_system> disk_after(std::uint64_t saves) {
  auto fs = std::make_unique<fake_file_system>();
  meta_pair pair(*fs, "raft");
  REQUIRE(pair.load().ok());
  for (std::uint64_t n = 1; n <= saves; ++n)
    REQUIRE(pair.save(meta_of(n)).ok());
  return fs;
}

void damage_copy(fake_file_system& fs, const std::string& name) {
  auto data = fs.content("raft/" + name);
  REQUIRE(!data.empty());
  data[30] ^= std::byte{1};
  fs.set_content("raft/" + name, data);
}

} // namespace

TEST_CASE("HST-06 metadata: first start knows nothing, later starts know the last save") {
  fake_file_system fs;
  CHECK_FALSE(load(fs).value.has_value());
  for (std::uint64_t saves = 1; saves <= 5; ++saves) {
    const auto out = load(*disk_after(saves));
    CHECK(out.value == meta_of(saves));
    CHECK(out.counter == saves);
    CHECK_FALSE(out.suspect);
  }
}

TEST_CASE("HST-06 metadata: power cut at every call leaves the last finished save or the one under way") {
  for (std::uint64_t call = 1; call < 40; ++call) {
    CAPTURE(call);
    fake_file_system fs;
    fs.cut_power_at(call);
    std::uint64_t done = 0;
    {
      meta_pair pair(fs, "raft");
      if (pair.load().ok())
        while (done < 8 && pair.save(meta_of(done + 1)).ok())
          ++done;
    }
    fs.for_each_crash(10, 20, call, [&](fake_file_system& disk) {
      const auto out = load(disk);
      CHECK_FALSE(out.suspect);
      const auto term = out.value ? out.value->term.value : 0;
      CHECK(term >= done);
      CHECK(term <= done + 1);
      if (out.value)
        CHECK(*out.value == meta_of(term));
    });
  }
}

TEST_CASE("HST-06 metadata: one damaged copy leaves the other and is said to be suspect") {
  for (const std::string name : {"meta.0", "meta.1"}) {
    auto fs = disk_after(7);
    damage_copy(*fs, name);
    const auto out = load(*fs);
    REQUIRE(out.value.has_value());
    CHECK((out.value == meta_of(6) || out.value == meta_of(7)));
    CHECK(out.suspect);
    CHECK(out.damaged_copies == 1);
    meta_pair pair(*fs, "raft");
    REQUIRE(pair.load().ok());
    REQUIRE(pair.save(meta_of(50)).ok()); // goes over the damaged copy
    const auto healed = load(*fs);
    CHECK(healed.value == meta_of(50));
    CHECK_FALSE(healed.suspect);
  }
}

TEST_CASE("HST-06 metadata: a missing twin is suspect, both damaged give nothing") {
  auto fs = disk_after(7);
  fs->remove("raft/meta.0");
  CHECK(load(*fs).suspect);
  damage_copy(*fs, "meta.1");
  const auto out = load(*fs);
  CHECK_FALSE(out.value.has_value());
  CHECK(out.suspect);
  CHECK(out.damaged_copies == 2);
}

TEST_CASE("HST-06 metadata: every flipped bit is noticed") {
  const auto image = encode_meta(meta_of(9), 4);
  REQUIRE(decode_meta(image).ok());
  for (std::size_t bit = 0; bit < image.size() * 8; ++bit) {
    auto bad = image;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    CHECK_FALSE(decode_meta(bad).ok());
  }
}

TEST_CASE("HST-06 metadata: limits are checked before anything is written") {
  auto fs = disk_after(2);
  meta_pair pair(*fs, "raft");
  auto m = meta_of(3);
  CHECK(pair.save(m).failure().kind == error_kind::invalid); // not loaded yet
  REQUIRE(pair.load().ok());
  m.host = std::string(meta_host_max_bytes + 1, 'x');
  CHECK(pair.save(m).failure().kind == error_kind::invalid);
  m = meta_of(3);
  m.vote = std::string(meta_id_max_bytes + 1, 'x');
  CHECK(pair.save(m).failure().kind == error_kind::invalid);
  CHECK(load(*fs).value == meta_of(2));
}

TEST_CASE("HST-06 metadata: a failed write or sync is final") {
  for (std::uint64_t call = 1; call <= 2; ++call) {
    auto fs = disk_after(4);
    meta_pair pair(*fs, "raft");
    REQUIRE(pair.load().ok());
    fs->inject(fault{fs->calls() + call, error_kind::io, false});
    CHECK(pair.save(meta_of(5)).failure().kind == error_kind::io);
    const auto calls = fs->calls();
    CHECK(pair.save(meta_of(6)).failure().kind == error_kind::poisoned);
    CHECK(fs->calls() == calls);
  }
}
