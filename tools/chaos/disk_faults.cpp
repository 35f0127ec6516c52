#include "tools/chaos/disk_faults.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Flips one bit of a record of the newest file whose name begins so.
std::string flip_bit(const fs::path& folder, const std::string& prefix) {
  fs::path newest; // of the highest number, which is the longest name or the last among equals
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const auto best = newest.filename().string();
    if (name.starts_with(prefix) && std::pair(name.size(), name) > std::pair(best.size(), best))
      newest = entry.path();
  }
  if (newest.empty())
    return "there is no " + prefix + " file";
  std::fstream file(newest, std::ios::in | std::ios::out | std::ios::binary);
  constexpr std::streamoff early = 200; // within the records, whatever is preallocated behind them
  file.seekg(early);
  char byte = 0;
  if (!file.get(byte))
    return newest.filename().string() + " is too short to rot";
  byte = static_cast<char>(byte ^ 0x10);
  file.seekp(early);
  file.put(byte);
  return file.flush() ? "" : "cannot write " + newest.string();
}

std::string fill(const fs::path& ballast) {
  std::ofstream file(ballast, std::ios::binary);
  const std::string piece(64 * 1024, 'x');
  while (file.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
  }
  return {};
}

bool is_traced(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("TracerPid:"))
      return line.find_first_of("123456789") != std::string::npos;
  }
  return false;
}

/// Meddles with every fsync of a running member; comes back once strace holds the process.
asio::awaitable<std::string> meddle(member& one, std::string how) {
  if (!one.process.running())
    co_return "it does not run";
  launch what;
  what.command = {"strace", "-f",
                  "-p",     std::to_string(one.process.pid()),
                  "-o",     "/dev/null",
                  "-e",     "trace=fsync,fdatasync",
                  "-e",     "inject=fsync,fdatasync:" + how};
  one.meddler.start(what);
  const auto end = now_ns() + 5'000'000'000;
  while (!is_traced(one.process.pid())) {
    if (!one.meddler.running() || now_ns() > end)
      co_return "strace cannot attach to it (ptrace has to be allowed)";
    co_await sleep_for(5ms);
  }
  co_return "";
}

} // namespace

asio::awaitable<std::string> act_on_disk(cluster& on, const action& what, member& one) {
  const auto ballast = one.root / "ballast";
  std::string why;
  switch (what.what) {
  case action_kind::fill:
    why = fill(ballast);
    break;
  case action_kind::empty:
    fs::remove(ballast);
    break;
  case action_kind::power_cut:
    on.cut_power(one);
    break;
  case action_kind::rot:
    why = one.process.running() ? "it runs; rot wants a stopped member"
                                : flip_bit(one.root / "wal", what.word == "log" ? "log." : "base.");
    break;
  case action_kind::mend_disk:
    one.meddler.signal(SIGINT); // strace lets go and leaves its process running
    break;
  case action_kind::fail_disk:
    why = co_await meddle(one, "error=EIO");
    break;
  default:
    why = co_await meddle(one, "delay_enter=" + std::to_string(what.time.count() * 1000));
  }
  co_return why;
}

} // namespace holdfast::chaos
