// Group commit against the disk's own speed: N appends of 256 bytes, one sync, over and over, next to a bare
// loop of write + fdatasync with the same batches in the same directory. Rounds alternate, so that a disk
// that slows down slows both. Prints one line a round and the ratio of the sums.
//
//   bench_wal [DIR [BATCH [ROUNDS]]]      by default: the current directory, 64 appends, 5 rounds of one
//   second each
#include "wal/log.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace holdfast::wal;
using steady = std::chrono::steady_clock;

struct settings {
  std::string dir = ".";
  std::size_t batch = 64;
  std::size_t payload = 256;
  double seconds = 1;
  int rounds = 5;
};

struct measured {
  std::uint64_t records = 0;
  double seconds = 0;
  double per_second() const { return seconds > 0 ? static_cast<double>(records) / seconds : 0; }
  void add(const measured& other) {
    records += other.records;
    seconds += other.seconds;
  }
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_wal: %s\n", why.c_str());
  std::exit(1);
}

template <typename Batch>
measured run_for(const settings& with, Batch&& batch) {
  measured out;
  const auto begin = steady::now();
  do {
    batch();
    out.records += with.batch;
    out.seconds = std::chrono::duration<double>(steady::now() - begin).count();
  } while (out.seconds < with.seconds);
  return out;
}

measured run_bare(const settings& with) {
  const auto path = with.dir + "/bare";
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    give_up("cannot make " + path);
  const std::string data(with.batch * with.payload, 'x');
  const auto out = run_for(with, [&] {
    if (::write(fd, data.data(), data.size()) != static_cast<ssize_t>(data.size()) || ::fdatasync(fd) != 0)
      give_up("bare write failed");
  });
  ::close(fd);
  std::filesystem::remove(path);
  return out;
}

measured run_log(const settings& with) {
  const auto path = with.dir + "/wal";
  auto made = log::open(posix_file_system(), path, {}, {});
  if (!made)
    give_up(made.failure().what);
  auto& target = *made->instance;
  const bytes payload(with.payload, std::byte{'x'});
  std::vector<record_view> batch(with.batch);
  std::uint64_t next = 1;
  const auto out = run_for(with, [&] {
    for (auto& entry : batch)
      entry = {{next++}, {1}, 1, false, payload};
    if (auto s = target.append(batch); !s)
      give_up(s.failure().what);
    if (auto s = target.sync(); !s)
      give_up(s.failure().what);
  });
  made->instance.reset();
  std::filesystem::remove_all(path);
  return out;
}

} // namespace

int main(int argc, char** argv) {
  settings with;
  if (argc > 1)
    with.dir = argv[1];
  if (argc > 2)
    with.batch = std::strtoul(argv[2], nullptr, 10);
  if (argc > 3)
    with.rounds = std::atoi(argv[3]);
  if (with.batch == 0 || with.rounds < 1)
    give_up("usage: bench_wal [DIR [BATCH [ROUNDS]]]");
  with.dir += "/bench_wal." + std::to_string(::getpid());
  std::filesystem::create_directories(with.dir);
  measured bare;
  measured ours;
  for (int round = 0; round < with.rounds; ++round) {
    const auto a = run_bare(with);
    const auto b = run_log(with);
    std::printf("round %d: bare %.0f records/s, log %.0f records/s\n", round + 1, a.per_second(),
                b.per_second());
    bare.add(a);
    ours.add(b);
  }
  std::filesystem::remove_all(with.dir);
  std::printf("batches of %zu x %zu bytes: bare %.0f/s, log %.0f/s, ratio %.2f\n", with.batch, with.payload,
              bare.per_second(), ours.per_second(), ours.per_second() / bare.per_second());
  return 0;
}
