// The two halves of the power-cut test (run.sh): a writer that tells on stdout what is durable, and a check
// of what a disk holds afterwards.
//
//   power_writer write DIR       appends until killed; prints "INDEX" after each finished sync
//   power_writer careless DIR    the same, but says so before the sync: the control that the test can find
//   losses power_writer check DIR INDEX exit 0 if every entry up to INDEX is there and nothing else is wrong
#include "wal/log.hpp"
#include "wal/meta_pair.hpp"
#include "wal/verify.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include <unistd.h>

namespace {

using namespace holdfast::wal;

constexpr std::uint64_t cut_every = 700;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "power_writer: %s\n", why.c_str());
  std::exit(1);
}

void require(const status& s) {
  if (!s)
    give_up(s.failure().what);
}

bytes payload_of(std::uint64_t index) {
  std::mt19937_64 random(index);
  bytes out(50 + random() % 900);
  for (auto& b : out)
    b = static_cast<std::byte>(1 + random() % 255);
  return out;
}

bytes state_of(generation gen) {
  return bytes(300000, static_cast<std::byte>(gen.value));
}

void say(std::uint64_t index) {
  const auto line = std::to_string(index) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    give_up("stdout is gone");
}

void write_pending_bases(holdfast::wal::log& target) {
  for (const auto& cut : target.pending_cuts()) {
    auto writer = target.begin_base(cut.gen);
    if (!writer)
      give_up(writer.failure().what);
    require((*writer)->write(state_of(cut.gen)));
    require((*writer)->finish());
    require(target.commit_base(std::move(*writer)));
    require(target.drop_old_generations());
    for (auto more = target.reclaim_step(); more && *more;)
      more = target.reclaim_step();
  }
}

int run_writer(const std::string& dir, bool careless) {
  meta_pair facts(posix_file_system(), dir + "/raft");
  if (!facts.load())
    give_up("metadata");
  auto made = holdfast::wal::log::open(posix_file_system(), dir + "/wal", {}, {});
  if (!made)
    give_up(made.failure().what);
  auto& target = *made->instance;
  std::mt19937_64 random(static_cast<std::uint64_t>(::getpid()));
  for (std::uint64_t next = 1;;) {
    std::vector<bytes> payloads;
    std::vector<record_view> batch;
    for (auto left = 1 + random() % 20; left > 0; --left)
      payloads.push_back(payload_of(next + payloads.size()));
    for (const auto& p : payloads) {
      batch.push_back({{next}, {1}, 1, !careless && next % cut_every == 0, p}); // a cut syncs
      ++next;
    }
    require(target.append(batch));
    if (careless)
      say(target.last_index().value);
    else
      require(target.sync());
    if (!careless) {
      say(target.synced().index.value);
      if (random() % 50 == 0) {
        meta m;
        m.term = {1};
        m.hint = target.synced();
        require(facts.save(m));
      }
      write_pending_bases(target);
    }
  }
}

int run_check(const std::string& dir, std::uint64_t acked) {
  meta_pair facts(posix_file_system(), dir + "/raft");
  const auto known = facts.load();
  if (!known || known->suspect)
    give_up("metadata is damaged");
  auto made =
      log::open(posix_file_system(), dir + "/wal", {}, known->value ? known->value->hint : synced_hint{});
  if (!made)
    give_up(made.failure().what);
  for (const auto& d : made->report.damages)
    give_up(d.file + " at " + std::to_string(d.offset) + ": " + d.what);
  auto& target = *made->instance;
  if (target.last_index().value < acked)
    give_up("entry " + std::to_string(acked) + " was acknowledged, the log ends at " +
            std::to_string(target.last_index().value));
  for (auto next = target.first_index(); next <= target.last_index();) {
    const auto got = target.read(next, 1 << 20);
    if (!got)
      give_up(got.failure().what);
    for (const auto& r : *got)
      if (r.payload != payload_of(r.index.value))
        give_up("entry " + std::to_string(r.index.value) + " has another content");
    next = {got->back().index.value + 1};
  }
  const auto report = verify_directory(posix_file_system(), dir + "/wal", {});
  if (!report)
    give_up(report.failure().what);
  for (const auto& p : report->problems)
    give_up(p);
  std::printf("acknowledged %llu, found %llu, torn bytes cut %llu, generation %llu\n",
              static_cast<unsigned long long>(acked),
              static_cast<unsigned long long>(target.last_index().value),
              static_cast<unsigned long long>(made->report.torn_bytes),
              static_cast<unsigned long long>(target.current_generation().value));
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (argc == 3 && (verb == "write" || verb == "careless"))
    return run_writer(argv[2], verb == "careless");
  if (argc == 4 && verb == "check")
    return run_check(argv[2], std::strtoull(argv[3], nullptr, 10));
  give_up("usage: power_writer write|careless DIR | check DIR INDEX");
}
