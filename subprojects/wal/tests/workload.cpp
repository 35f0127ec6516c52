#include "workload.hpp"

#include "wal/verify.hpp"

namespace holdfast::wal::test {
namespace {

class runner {
public:
  runner(fake_file_system& fs, oracle& known, const std::function<bool()>& on_full)
      : fs_(fs), known_(known), on_full_(on_full) {}

  status attempt(const std::function<status()>& step) {
    for (;;) {
      auto s = step();
      if (s.ok() || s.failure().kind != error_kind::no_space || !on_full_())
        return s;
    }
  }

  status open() {
    return attempt([&]() -> status {
      auto made = log::open(fs_, wal_dir, small_options(), known_.hint());
      if (!made)
        return made.failure();
      CHECK_FALSE(made->report.rotten());
      log_ = std::move(made->instance);
      return {};
    });
  }

  status put(const std::vector<made_entry>& entries) {
    known_.attempt(entries);
    auto s = attempt([&] { return append(*log_, entries); });
    if (s.ok())
      known_.appended(entries);
    return s;
  }

  status sync() {
    auto s = log_->sync();
    if (s.ok())
      known_.synced();
    return s;
  }

  status cut_off(std::uint64_t first) {
    known_.truncating(first);
    auto s = log_->truncate_from({first});
    if (s.ok())
      known_.truncated(first);
    return s;
  }

  status base(std::uint64_t gen) {
    return attempt([&]() -> status {
      auto writer = log_->begin_base({gen});
      if (!writer)
        return writer.failure();
      if (auto s = (*writer)->write(state_of(gen, 3000)); !s)
        return s;
      if (auto s = (*writer)->finish(); !s)
        return s;
      return log_->commit_base(std::move(*writer));
    });
  }

  status drop() {
    if (auto s = log_->drop_old_generations(); !s)
      return s;
    for (;;) {
      const auto more = log_->reclaim_step();
      if (!more)
        return more.failure();
      if (!*more)
        return {};
    }
  }

private:
  fake_file_system& fs_;
  oracle& known_;
  const std::function<bool()>& on_full_;
  std::unique_ptr<log> log_;
};

std::vector<made_entry> range(std::uint64_t first, std::uint64_t last, std::uint64_t term,
                              std::uint64_t cut = 0) {
  std::vector<made_entry> out;
  for (auto i = first; i <= last; ++i)
    out.push_back(entry(i, term, i == cut));
  return out;
}

} // namespace

status run_workload(fake_file_system& fs, oracle& known, const std::function<bool()>& on_full) {
  runner r(fs, known, on_full);
  const std::function<status()> history[] = {
      [&] { return r.open(); },
      [&] { return r.put(range(1, 3, 1)); },
      [&] { return r.sync(); },
      [&] { return r.put(range(4, 11, 1)); }, // unsynced, several sectors
      [&] { return r.put(range(12, 13, 1)); },
      [&] { return r.sync(); },
      [&] { return r.put(range(14, 19, 1, 17)); }, // a cut inside a batch
      [&] { return r.sync(); },
      [&] { return r.base(1); },
      [&] { return r.drop(); },
      [&] { return r.put(range(20, 45, 1)); }, // over a preallocation step
      [&] { return r.sync(); },
      [&] { return r.cut_off(24); },
      [&] { return r.put(range(24, 27, 2)); },
      [&] { return r.sync(); },
      [&] { return r.put(range(28, 31, 2, 29)); },
      [&] { return r.cut_off(29); }, // across a cut
      [&] { return r.put(range(29, 31, 3)); },
      [&] { return r.sync(); },
      [&] { return r.put(range(32, 34, 3, 33)); },
      [&] { return r.cut_off(34); }, // right after a cut
      [&] { return r.put(range(34, 36, 4)); },
      [&] { return r.sync(); },
      [&] { return r.base(2); },
      [&] { return r.drop(); }, // generation 0 goes
      [&] { return r.put(range(37, 40, 4, 38)); },
      [&] { return r.sync(); },
      [&] { return r.open(); }, // a restart
      [&] { return r.base(3); },
      [&] { return r.drop(); },
      [&] { return r.put(range(41, 42, 5)); },
      [&] { return r.sync(); },
  };
  for (const auto& step : history)
    if (auto s = step(); !s)
      return s;
  return {};
}

void oracle::check_opened(log& target, const recovery_report& report) const {
  for (const auto& d : report.damages)
    FAIL(d.file << " at " << d.offset << ": " << d.what);
  const auto last = target.last_index().value;
  REQUIRE(last >= (promised_.empty() ? 0 : promised_.back().index));
  for (auto i = target.first_index().value; i <= last; ++i) {
    const auto got = target.read({i}, 1);
    REQUIRE(got.ok());
    REQUIRE(got->size() == 1);
    const auto& r = got->front();
    REQUIRE(attempted_.contains({i, r.term.value}));
    REQUIRE(r.payload == payload_of(i, r.term.value));
    if (i <= promised_.size())
      REQUIRE(r.term.value == promised_[i - 1].term);
  }
  auto base = target.open_base(target.base().gen);
  REQUIRE(base.ok());
  bytes state;
  for (auto part = base->next(); part.ok() && !part->empty(); part = base->next())
    state.insert(state.end(), part->begin(), part->end());
  REQUIRE(state == state_of(target.base().gen.value, target.base().gen.value == 0 ? 0 : 3000));
}

void oracle::check(fake_file_system& disk) const {
  for (const auto& hint : {synced_hint{}, this->hint()}) {
    auto copy = disk.after_kill();
    log_index last;
    {
      auto made = open_log(*copy, hint);
      check_opened(*made.instance, made.report);
      last = made.instance->last_index();
      const auto next = entry(last.value + 1, made.instance->last_term().value + 1);
      REQUIRE(append(*made.instance, {next}).ok());
      REQUIRE(made.instance->sync().ok());
      reclaim_all(*made.instance);
    }
    // What the recovered log has synced is safe from the next power cut, whatever the first one left behind.
    auto nothing_more = crash_choice::of_mask(0);
    const auto after = copy->after_power_cut(nothing_more);
    auto again = open_log(*after, {{last.value + 1}, {}});
    REQUIRE(again.instance->last_index().value == last.value + 1);
    const auto report = verify_directory(*after, wal_dir, {});
    REQUIRE(report.ok());
    for (const auto& p : report->problems)
      FAIL(p);
  }
}

} // namespace holdfast::wal::test
