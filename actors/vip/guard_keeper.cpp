#include "actors/vip/guard_keeper.hpp"

#include "actors/vip/guard_worker.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <system_error>

namespace holdfast::vip {

namespace {

/// Shorter than the soonest another member may take the address (the lease and its drift, 420 ms): a daemon
/// and a worker that were stopped together must be off by then.
constexpr mono_ns worker_silence_limit = 300 * mono_ms;
constexpr int watch_interval_ms = 10;
/// A worker this late with taking the address off is stopped or hung. With the margin of the lease (50 ms)
/// the address is off before the lease ends, whenever the worker was stopped.
constexpr mono_ns lateness_limit = 10 * mono_ms;
constexpr mono_ns farewell_limit = 500 * mono_ms;
constexpr mono_ns respawn_spacing = 50 * mono_ms;
constexpr char say_worker = 'W';
constexpr char ask_replace = 'R';

struct cap_free_it {
  void operator()(void* caps) const { cap_free(caps); }
};

/// Leaves the process with just these capabilities, for good.
bool keep_capabilities(std::span<const cap_value_t> wanted) {
  const std::unique_ptr<void, cap_free_it> held{cap_get_proc()};
  const std::unique_ptr<void, cap_free_it> next{cap_init()};
  if (!held || !next) {
    return false;
  }
  auto* set = static_cast<cap_t>(next.get());
  for (const auto cap : wanted) {
    cap_flag_value_t permitted = CAP_CLEAR;
    cap_get_flag(static_cast<cap_t>(held.get()), cap, CAP_PERMITTED, &permitted);
    if (permitted == CAP_SET) {
      cap_set_flag(set, CAP_PERMITTED, 1, &cap, CAP_SET);
      cap_set_flag(set, CAP_EFFECTIVE, 1, &cap, CAP_SET);
      cap_set_flag(set, CAP_INHERITABLE, 1, &cap, CAP_SET);
    }
  }
  if (cap_set_proc(set) != 0) {
    return false;
  }
  // Ambient, so that the operator's script can change addresses when the service does not run as root.
  for (const auto cap : wanted) {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
  }
  return true;
}

void become_guard(const char* name) {
  prctl(PR_SET_NAME, name);
  // Tickets are secrets of a kind: no core file, no ptrace by others.
  prctl(PR_SET_DUMPABLE, 0);
  // A terminal's ^C and the service manager's TERM are for the daemon; the guard ends when the daemon has.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    std::signal(number, SIG_IGN);
  }
}

class keeper {
public:
  keeper(unique_fd control, guard_page& page) : control_(std::move(control)), page_(page) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &old_mask_);
    children_ = unique_fd{::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)};
  }

  int run() {
    // Scripts of a worker that was killed become our children, so that somebody reaps them: the next worker
    // waits until they are gone.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    spawn();
    while (worker_ > 0 || daemon_open_ || heir_owed()) {
      wait();
    }
    return 0;
  }

private:
  void spawn() {
    std::array<int, 2> pair{};
    std::array<int, 2> pet{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0 ||
        ::pipe2(pet.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
      ::_exit(1);
    }
    unique_fd daemon_end{pair[0]};
    unique_fd worker_end{pair[1]};
    pet_ = unique_fd{pet[0]};
    unique_fd pet_end{pet[1]};
    spawned_at_ = mono_now();
    last_pet_ = 0;
    worker_ = ::fork();
    if (worker_ == 0) {
      sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
      control_ = unique_fd{};
      pet_ = unique_fd{};
      daemon_end = unique_fd{};
      become_guard("holdfast-guard");
      ::_exit(guard_worker{std::move(worker_end), std::move(pet_end), page_}.run());
    }
    if (worker_ > 0 && daemon_open_) {
      hand_over(daemon_end.get());
    }
  }

  void hand_over(int fd) {
    std::array<char, 1 + sizeof(pid_t)> text{say_worker};
    std::memcpy(text.data() + 1, &worker_, sizeof worker_);
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    (void)::sendmsg(control_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void wait() {
    std::array<pollfd, 3> fds{{{daemon_open_ ? control_.get() : -1, POLLIN, 0},
                               {children_.get(), POLLIN, 0},
                               {pet_.get(), POLLIN, 0}}};
    const bool watch = last_pet_ != 0 || !daemon_open_ || worker_ <= 0;
    ::poll(fds.data(), fds.size(), watch ? watch_interval_ms : -1);
    if (fds[0].revents != 0) {
      on_control();
    }
    if (fds[2].revents != 0) {
      on_pet();
    }
    reap();
    const mono_ns now = mono_now();
    const mono_ns deadline = page_.deadline.load(std::memory_order_acquire);
    const bool late = deadline != 0 && now - deadline > lateness_limit;
    if (worker_ > 0 && last_pet_ != 0 && (late || now - last_pet_ > worker_silence_limit)) {
      ::kill(worker_, SIGKILL);
      last_pet_ = 0;
    }
    if (worker_ > 0 && !daemon_open_ && now > farewell_until() && !replaced_) {
      ::kill(worker_, SIGKILL); // stuck
    }
    if (worker_ <= 0 && (daemon_open_ || heir_owed()) && now - spawned_at_ >= respawn_spacing) {
      replaced_ = !daemon_open_;
      spawn();
    }
  }

  /// A worker that did not end by itself may have left the address: one more, after the daemon's end, looks.
  [[nodiscard]] bool heir_owed() const { return unfinished_ && !replaced_; }

  /// The worker waits for the script to have removed the address, which has its own limit.
  [[nodiscard]] mono_ns farewell_until() const {
    const mono_ns script = page_.script_until.load(std::memory_order_acquire);
    return std::max(gone_at_ + farewell_limit, script == 0 ? 0 : script + farewell_limit);
  }

  void on_control() {
    char word = 0;
    const auto got = ::recv(control_.get(), &word, 1, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
      daemon_open_ = false;
      gone_at_ = mono_now();
    } else if (got == 1 && word == ask_replace && worker_ > 0) {
      ::kill(worker_, SIGKILL);
    }
  }

  void on_pet() {
    std::array<char, 64> words{};
    for (;;) {
      const auto got = ::read(pet_.get(), words.data(), words.size());
      if (got == 0) {
        // The worker is ending, and the kernel may take its time over that (closing a packet socket waits for
        // RCU). Its end is heard as SIGCHLD; a poll of this end would spin, and starve what it waits for.
        pet_ = unique_fd{};
        return;
      }
      if (got < 0) {
        return;
      }
      last_pet_ = words[static_cast<std::size_t>(got) - 1] == 'h' ? mono_now() : 0;
    }
  }

  void reap() {
    signalfd_siginfo info{};
    while (::read(children_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == worker_) {
        unfinished_ = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        worker_ = -1;
        last_pet_ = 0;
      }
    }
  }

  unique_fd control_;
  guard_page& page_;
  unique_fd children_;
  unique_fd pet_;
  sigset_t old_mask_{};
  pid_t worker_ = -1;
  mono_ns spawned_at_ = 0;
  mono_ns last_pet_ = 0;
  mono_ns gone_at_ = 0;
  bool daemon_open_ = true;
  bool unfinished_ = false;
  bool replaced_ = false;
};

} // namespace

guard_handle::guard_handle(unique_fd control, pid_t keeper) : control_(std::move(control)), keeper_(keeper) {}

std::optional<guard_handle::worker> guard_handle::next_worker(bool& gone) {
  std::array<char, 1 + sizeof(pid_t)> text{};
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  const auto got = ::recvmsg(control_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  gone = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
  auto* head = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (head == nullptr || head->cmsg_type != SCM_RIGHTS || text[0] != say_worker) {
    return std::nullopt;
  }
  int fd = -1;
  worker made;
  std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
  std::memcpy(&made.pid, text.data() + 1, sizeof made.pid);
  made.channel = unique_fd{fd};
  return made;
}

void guard_handle::replace_worker() {
  (void)::send(control_.get(), &ask_replace, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

guard_handle start_guard() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    throw std::system_error{errno, std::generic_category(), "guard: socketpair"};
  }
  unique_fd daemon_end{pair[0]};
  unique_fd keeper_end{pair[1]};
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw std::system_error{errno, std::generic_category(), "guard: fork"};
  }
  if (pid > 0) {
    return guard_handle{std::move(daemon_end), pid};
  }
  daemon_end = unique_fd{};
  become_guard("holdfast-keeper");
  // A guard that is scheduled late holds an address too long. Without the right to it (CAP_SYS_NICE) the
  // margin of the lease has to do.
  const sched_param urgent{.sched_priority = 1};
  (void)::sched_setscheduler(0, SCHED_RR, &urgent);
  static constexpr std::array<cap_value_t, 2> wanted{CAP_NET_ADMIN, CAP_NET_RAW};
  (void)keep_capabilities(wanted);
  void* memory =
      ::mmap(nullptr, sizeof(guard_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    ::_exit(1);
  }
  ::_exit(keeper{std::move(keeper_end), *new (memory) guard_page}.run());
}

std::string drop_privileges(const std::string& user) {
  if (!user.empty()) {
    const auto* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
      return "there is no user '" + user + "' on this host";
    }
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
        ::setuid(entry->pw_uid) != 0) {
      return "cannot become user '" + user + "': " + std::strerror(errno);
    }
  }
  if (::geteuid() != 0) {
    return keep_capabilities({}) ? "" : std::string{"cannot drop capabilities: "} + std::strerror(errno);
  }
  // Without --user the daemon stays root for its files' sake, but may no longer touch the network's set-up.
  for (const cap_value_t cap : {CAP_NET_ADMIN, CAP_NET_RAW}) {
    if (prctl(PR_CAPBSET_DROP, cap) != 0) {
      return std::string{"cannot drop capabilities: "} + std::strerror(errno);
    }
  }
  const std::unique_ptr<void, cap_free_it> held{cap_get_proc()};
  auto* set = static_cast<cap_t>(held.get());
  static constexpr std::array<cap_value_t, 2> gone{CAP_NET_ADMIN, CAP_NET_RAW};
  for (const auto flag : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE}) {
    cap_set_flag(set, flag, gone.size(), gone.data(), CAP_CLEAR);
  }
  return cap_set_proc(set) == 0 ? "" : std::string{"cannot drop capabilities: "} + std::strerror(errno);
}

} // namespace holdfast::vip
