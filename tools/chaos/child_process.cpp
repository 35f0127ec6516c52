#include "tools/chaos/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace holdfast::chaos {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts)
    out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Between fork and exec: system calls alone.
[[noreturn]] void become(char* const* command, char* const* environment, int output, int network) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (network >= 0 && ::setns(network, CLONE_NEWNET) != 0)
    ::_exit(126);
  const int none = ::open("/dev/null", O_RDONLY);
  ::dup2(none, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::execvpe(command[0], command, environment);
  ::_exit(127);
}

pid_t spawn(const launch& what, int output) {
  std::vector<std::string> settings = what.environment;
  for (char** entry = environ; *entry; ++entry)
    settings.emplace_back(*entry);
  const auto command = pointers(what.command);
  const auto environment = pointers(settings);
  const pid_t pid = ::fork();
  if (pid < 0)
    throw std::runtime_error(std::string("cannot fork: ") + std::strerror(errno));
  if (pid == 0)
    become(command.data(), environment.data(), output, what.network);
  return pid;
}

} // namespace

child_process::~child_process() {
  kill_and_wait();
}

child_process::child_process(child_process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

child_process& child_process::operator=(child_process&& other) noexcept {
  if (this != &other) {
    kill_and_wait();
    pid_ = std::exchange(other.pid_, -1);
    status_ = other.status_;
  }
  return *this;
}

void child_process::start(const launch& what) {
  kill_and_wait();
  const std::string file = what.output.empty() ? "/dev/null" : what.output;
  const int output = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0)
    throw std::runtime_error("cannot write " + file + ": " + std::strerror(errno));
  status_.reset();
  pid_ = spawn(what, output);
  ::close(output);
}

bool child_process::running() {
  if (pid_ < 0)
    return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_)
    return true;
  pid_ = -1;
  status_ = status;
  return false;
}

void child_process::signal(int number) const {
  if (pid_ > 0)
    ::kill(pid_, number);
}

bool child_process::stopped() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:"))
      return line.find("(stopped)") != std::string::npos;
  }
  return false;
}

void child_process::kill_and_wait() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  status_ = status;
}

command_result run_command(const std::vector<std::string>& command, int network) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  launch what;
  what.command = command;
  what.network = network;
  const pid_t pid = spawn(what, ends[1]);
  ::close(ends[1]);
  command_result result;
  std::array<char, 4096> piece;
  for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;)
    result.output.append(piece.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

void must_run(const std::vector<std::string>& command, int network) {
  const auto result = run_command(command, network);
  if (result.status == 0)
    return;
  std::string text;
  for (const auto& part : command)
    text += (text.empty() ? "" : " ") + part;
  throw std::runtime_error("'" + text + "' failed with " + std::to_string(result.status) + ": " +
                           result.output);
}

bool program_exists(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path ? path : "";
  rest += ":/usr/sbin:/sbin";
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    if (::access((rest.substr(0, end) + "/" + name).c_str(), X_OK) == 0)
      return true;
    rest.erase(0, std::min(end + 1, rest.size()));
  }
  return false;
}

} // namespace holdfast::chaos
