#include "actors/vip/script_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace holdfast::vip {

namespace {

constexpr std::size_t longest_output = 200;
constexpr int most_reads = 64;
constexpr mono_ns look_interval = 50 * mono_ms;
/// Where no descriptor tells of the end. The guard runs before all others: it must sleep in between.
constexpr mono_ns close_look_interval = 2 * mono_ms;

std::string trimmed(const std::string& text) {
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

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
  stopped_ = false;
  timed_out_ = false;
  deadline_ = now + time_limit;
  return true;
}

void script_runner::stop(mono_ns now) {
  timed_out_ = false;
  if (running() && !stopped_) {
    stop_group(now, pid_);
  }
}

void script_runner::stop_group(mono_ns now, pid_t group) {
  if (!running()) {
    action_.clear();
    text_.clear();
    timed_out_ = false;
  }
  pid_ = group;
  stopped_ = true;
  deadline_ = now + time_limit;
  ::kill(-group, SIGKILL);
}

mono_ns script_runner::wake_at(mono_ns now) const {
  const bool nothing_to_read = stopped_ || !output_.valid();
  return std::min(deadline_, now + (nothing_to_read ? close_look_interval : look_interval));
}

script_result script_runner::collect() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  script_result out;
  out.action = action_;
  out.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  out.text = WIFSIGNALED(status) ? fmt::format("died of signal {}: {}", WTERMSIG(status), trimmed(text_))
                                 : fmt::format("exit code {}: {}", WEXITSTATUS(status), trimmed(text_));
  return out;
}

script_result script_runner::give_up(bool gone) {
  pid_ = -1;
  output_ = unique_fd{};
  return {false, !timed_out_, action_,
          fmt::format("{}{}: {}",
                      timed_out_ ? fmt::format("ended after {} s", time_limit / 1'000'000'000) : "ended",
                      gone ? "" : ", though some of its processes do not end", trimmed(text_))};
}

void script_runner::read_output() {
  std::array<char, 512> chunk{};
  for (int reads = 0; reads < most_reads; ++reads) { // one that never stops talking must not hold us up
    const auto got = ::read(output_.get(), chunk.data(), chunk.size());
    if (got > 0) {
      if (text_.size() < longest_output) {
        text_.append(chunk.data(), std::min(static_cast<std::size_t>(got), longest_output - text_.size()));
      }
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      output_ = unique_fd{}; // nobody can write any more
      break;
    } else if (errno == EAGAIN) {
      break;
    }
  }
}

bool script_runner::leader_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != 0;
}

bool script_runner::group_gone() const {
  // The leader is our child; its orphans become children of the keeper, which reaps them.
  while (::waitpid(-pid_, nullptr, WNOHANG) > 0) {
  }
  return ::kill(-pid_, SIGKILL) != 0 && errno == ESRCH;
}

std::optional<script_result> script_runner::poll(mono_ns now) {
  if (!stopped_) {
    if (output_.valid()) {
      read_output();
    }
    // A script may close its output and live on: the limit holds for the process, too.
    if (!output_.valid() && leader_ended()) {
      return collect();
    }
    if (now < deadline_) {
      return std::nullopt;
    }
    stop(now);
    timed_out_ = true;
  }
  const bool gone = group_gone();
  return gone || now >= deadline_ ? std::optional{give_up(gone)} : std::nullopt;
}

} // namespace holdfast::vip
