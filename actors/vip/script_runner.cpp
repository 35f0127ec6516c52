#include "actors/vip/script_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace holdfast::vip {

namespace {

constexpr std::size_t longest_output = 200;
constexpr int most_reads = 64;

struct spawn_actions {
  posix_spawn_file_actions_t raw;
  spawn_actions() { posix_spawn_file_actions_init(&raw); }
  ~spawn_actions() { posix_spawn_file_actions_destroy(&raw); }
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;
};

struct spawn_attributes {
  posix_spawnattr_t raw;
  spawn_attributes() {
    posix_spawnattr_init(&raw);
    // A process group of its own, so that a time-out ends everything the script started.
    // At ordinary priority, whatever the guard's own is.
    posix_spawnattr_setflags(&raw, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSCHEDULER);
    const sched_param ordinary{.sched_priority = 0};
    posix_spawnattr_setschedpolicy(&raw, SCHED_OTHER);
    posix_spawnattr_setschedparam(&raw, &ordinary);
    sigset_t defaults;
    sigfillset(&defaults);
    posix_spawnattr_setsigdefault(&raw, &defaults);
    posix_spawnattr_setpgroup(&raw, 0);
  }
  ~spawn_attributes() { posix_spawnattr_destroy(&raw); }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;
};

} // namespace

mono_ns mono_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool script_runner::start(mono_ns now, const std::string& script, const std::string& action,
                          const std::string& interface, const std::string& cidr, std::string& why) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    why = fmt::format("{} cannot be run: {}", script, std::strerror(errno));
    return false;
  }
  output_ = unique_fd{ends[0]};
  const unique_fd write_end{ends[1]};
  spawn_actions actions;
  posix_spawn_file_actions_addopen(&actions.raw, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions.raw, write_end.get(), 1);
  posix_spawn_file_actions_adddup2(&actions.raw, write_end.get(), 2);
  const spawn_attributes attributes;
  std::array<std::string, 4> words{script, action, interface, cidr};
  std::array<char*, 5> argv{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  const int error = ::posix_spawn(&pid_, script.c_str(), &actions.raw, &attributes.raw, argv.data(), environ);
  if (error != 0) {
    pid_ = -1;
    why = fmt::format("{} cannot be run: {}", script, std::strerror(error));
    return false;
  }
  action_ = action;
  text_.clear();
  deadline_ = now + time_limit;
  return true;
}

script_result script_runner::collect(bool ended_by_us) {
  int status = 0;
  if (ended_by_us) {
    ::kill(-pid_, SIGKILL);
  }
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  output_ = unique_fd{};
  while (!text_.empty() && (text_.back() == '\n' || text_.back() == ' ')) {
    text_.pop_back();
  }
  script_result out;
  out.action = action_;
  out.ok = !ended_by_us && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (ended_by_us) {
    out.text = fmt::format("ended after {} s: {}", time_limit / 1'000'000'000, text_);
  } else if (WIFSIGNALED(status)) {
    out.text = fmt::format("died of signal {}: {}", WTERMSIG(status), text_);
  } else {
    out.text = fmt::format("exit code {}: {}", WEXITSTATUS(status), text_);
  }
  return out;
}

std::optional<script_result> script_runner::poll(mono_ns now) {
  std::array<char, 512> chunk{};
  for (int reads = 0;; ++reads) {
    if (reads == most_reads) { // a script that never stops talking must not hold the guard up
      return now >= deadline_ ? std::optional{collect(true)} : std::nullopt;
    }
    const auto got = ::read(output_.get(), chunk.data(), chunk.size());
    if (got > 0) {
      if (text_.size() < longest_output) {
        text_.append(chunk.data(), std::min(static_cast<std::size_t>(got), longest_output - text_.size()));
      }
      continue;
    }
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EAGAIN) {
      return now >= deadline_ ? std::optional{collect(true)} : std::nullopt;
    }
    break; // end of output: nobody can write any more
  }
  // A script may close its output and live on: the limit holds for the process, too.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
    return now >= deadline_ ? std::optional{collect(true)} : std::nullopt;
  }
  return collect(false);
}

script_result script_runner::finish() {
  for (;;) {
    const mono_ns left = deadline_ - mono_now();
    pollfd wait{output_.get(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::clamp<mono_ns>(left / 1'000'000, 0, 100)));
    if (auto result = poll(mono_now())) {
      return *result;
    }
  }
}

} // namespace holdfast::vip
