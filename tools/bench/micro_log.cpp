// Costs of the log on this disk: appending without a sync, one sync a batch, and a bare write + fdatasync of
// the same bytes beside it. Works in the current directory and removes what it made.
#include <benchmark/benchmark.h>
#include <wal/log.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <unistd.h>

using namespace holdfast::wal;

namespace {

constexpr std::size_t payload_bytes = 256;

class folder {
public:
  folder() : path_("micro_log." + std::to_string(::getpid())) { std::filesystem::create_directories(path_); }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// Arguments: entries of a batch; 1: sync after each batch.
void append_to_log(benchmark::State& state) {
  const folder place;
  auto made = log::open(posix_file_system(), place.path() + "/wal", {}, {});
  if (!made)
    std::abort();
  const bytes payload(payload_bytes, std::byte{'x'});
  std::vector<record_view> batch(static_cast<std::size_t>(state.range(0)));
  std::uint64_t next = 1;
  for (auto _ : state) {
    for (auto& entry : batch)
      entry = {{next++}, {1}, 1, false, payload};
    if (!made->instance->append(batch))
      std::abort();
    if (state.range(1) != 0 && !made->instance->sync())
      std::abort();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(next));
}
BENCHMARK(append_to_log)->ArgsProduct({{1, 64}, {0, 1}})->UseRealTime()->Unit(benchmark::kMicrosecond);

/// Argument: entries of a batch. What no log can beat: the file is zero-filled before.
void bare_write(benchmark::State& state) {
  const folder place;
  const int fd = ::open((place.path() + "/bare").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const std::string zeros(std::size_t{64} << 20U, '\0');
  if (fd < 0 || ::pwrite(fd, zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) ||
      ::fsync(fd) != 0)
    std::abort();
  const std::string data(static_cast<std::size_t>(state.range(0)) * payload_bytes, 'x');
  off_t at = 0;
  for (auto _ : state) {
    if (::pwrite(fd, data.data(), data.size(), at) != static_cast<ssize_t>(data.size()) ||
        ::fdatasync(fd) != 0)
      std::abort();
    at = (at + static_cast<off_t>(data.size())) % (60 << 20);
  }
  ::close(fd);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(bare_write)->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();
