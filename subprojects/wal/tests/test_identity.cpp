// Equal entries give equal files, whatever the way there was (WAL-03, WAL-05).
#include "fixture.hpp"

using namespace holdfast::wal;
using namespace holdfast::wal::test;

namespace {

struct history {
  std::vector<made_entry> entries;  ///< what every node ends with
  std::vector<std::uint64_t> bases; ///< generations whose base is written once the log passes their cut
};

history history_of(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  history out;
  const auto count = 60 + random() % 120;
  std::uint64_t term = 1;
  std::uint64_t gen = 0;
  for (std::uint64_t i = 1; i <= count; ++i) {
    term += random() % 12 == 0 ? 1 : 0;
    const bool cut = random() % 30 == 0 && i > 3;
    out.entries.push_back(entry(i, term, cut));
    gen += cut ? 1 : 0;
    if (cut)
      out.bases.push_back(gen);
  }
  return out;
}

/// One node that reaches the history its own way: batches, syncs, restarts, entries of a lost leader that are
/// cut off again, bases written late or at once.
class node {
public:
  node(fake_file_system& fs, const history& goal, std::uint64_t seed) : fs_(fs), goal_(goal), random_(seed) {}

  void run() {
    reopen();
    while (log_->last_index().value < goal_.entries.size()) {
      switch (random_() % 10) {
      case 0:
        REQUIRE(log_->sync().ok());
        reopen();
        break;
      case 1:
        stray();
        break;
      case 2:
        REQUIRE(log_->sync().ok());
        break;
      case 3:
        write_bases();
        break;
      default:
        advance();
      }
    }
    REQUIRE(log_->sync().ok());
    write_bases();
    reclaim_all(*log_);
  }

  holdfast::wal::log& opened() { return *log_; }

private:
  void reopen() {
    log_.reset();
    auto made = open_log(fs_);
    REQUIRE(made.report.damages.empty());
    log_ = std::move(made.instance);
  }

  void advance() {
    const auto at = log_->last_index().value;
    const auto many = std::min<std::uint64_t>(1 + random_() % 15, goal_.entries.size() - at);
    const auto first = goal_.entries.begin() + static_cast<std::ptrdiff_t>(at);
    REQUIRE(append(*log_, {first, first + static_cast<std::ptrdiff_t>(many)}).ok());
  }

  /// Entries of a leader that lost: other content, cuts among them.
  void stray() {
    const auto at = log_->last_index().value;
    const auto term = log_->last_term().value + (random_() % 2);
    std::vector<made_entry> lost;
    for (std::uint64_t i = at + 1; i <= at + 1 + random_() % 40; ++i) {
      lost.push_back(entry(i, std::max<std::uint64_t>(term, 1), random_() % 20 == 0));
      lost.back().payload = payload_of(i, 1000);
    }
    REQUIRE(append(*log_, lost).ok());
    if (random_() % 2 == 0)
      REQUIRE(log_->sync().ok());
    if (random_() % 4 == 0)
      reopen();
    REQUIRE(log_->truncate_from({at + 1}).ok());
  }

  void write_bases() {
    for (const auto& cut : log_->pending_cuts()) {
      write_base(*log_, cut.gen.value, 5000);
      REQUIRE(log_->drop_old_generations().ok());
    }
  }

  fake_file_system& fs_;
  const history& goal_;
  std::mt19937_64 random_;
  std::unique_ptr<holdfast::wal::log> log_;
};

} // namespace

TEST_CASE("WAL-03 WAL-05 same entries by other batches, restarts and truncations: same files, same bytes") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    const auto goal = history_of(seed);
    fake_file_system first;
    node(first, goal, seed * 31).run();
    for (std::uint64_t other = 1; other <= 3; ++other) {
      fake_file_system second;
      node(second, goal, seed * 31 + other).run();
      REQUIRE(second.all() == first.all());
    }
  }
}

TEST_CASE("WAL-03 newcomer that installs the oldest generation and replays: same files, same bytes") {
  for (std::uint64_t seed = 100; seed <= 130; ++seed) {
    CAPTURE(seed);
    const auto goal = history_of(seed);
    fake_file_system old_disk;
    node old_member(old_disk, goal, seed);
    old_member.run();
    auto& source = old_member.opened();

    fake_file_system new_disk;
    auto made = open_log(new_disk);
    auto& target = *made.instance;
    fill(target, 1, 5, 999); // what it held before is replaced
    auto base = source.open_base(source.oldest_generation());
    REQUIRE(base.ok());
    auto receiver = target.begin_install(base->info().gen, base->info().file_bytes);
    REQUIRE(receiver.ok());
    while (!(*receiver)->complete())
      REQUIRE((*receiver)->write((*receiver)->offset(), *base->read_raw((*receiver)->offset(), 1777)).ok());
    REQUIRE(target.commit_install(std::move(*receiver)).ok());
    while (target.last_index() < source.last_index()) {
      const auto got = source.read({target.last_index().value + 1}, 3000);
      REQUIRE(got.ok());
      for (const auto& r : *got) {
        const record_view view{r.index, r.term, r.kind, r.cut, r.payload};
        REQUIRE(target.append({&view, 1}).ok());
      }
    }
    REQUIRE(target.sync().ok());
    for (const auto& cut : target.pending_cuts())
      write_base(target, cut.gen.value, 5000);
    REQUIRE(target.drop_old_generations().ok());
    reclaim_all(target);
    REQUIRE(new_disk.all() == old_disk.all());
  }
}

TEST_CASE("WAL-03 file size follows from the content: small steps, then large ones") {
  fake_file_system fs;
  auto made = open_log(fs);
  std::uint64_t last = 0;
  for (std::uint64_t i = 1; i <= 400; ++i) {
    REQUIRE(append(*made.instance, {entry(i)}).ok());
    const auto size = fs.content(path("log.0")).size();
    const auto end = end_of(fs, 0);
    const auto step = end + 512 <= 16384 ? 4096U : 16384U;
    CHECK(size == (end + 512 + step - 1) / step * step);
    CHECK(size >= last);
    last = size;
  }
  REQUIRE(made.instance->truncate_from({3}).ok());
  CHECK(fs.content(path("log.0")).size() == 4096);
}

TEST_CASE("WAL-03 space after the last record is zero, also where longer records stood") {
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 30);
  REQUIRE(made.instance->truncate_from({10}).ok());
  const auto data = fs.content(path("log.0"));
  for (auto i = end_of(fs, 0); i < data.size(); ++i)
    REQUIRE(data[i] == std::byte{0});
}

TEST_CASE("WAL-03 reservation that was not used is given back") {
  fake_file_system fs;
  auto made = open_log(fs);
  fill(*made.instance, 1, 3);
  const auto before = fs.all();
  REQUIRE(made.instance->reserve(50000).ok());
  CHECK(fs.content(path("log.0")).size() > 50000);
  REQUIRE(made.instance->release_reservation().ok());
  CHECK(fs.all() == before);
}
