#include "actors/replay/snapshot_job.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <sched.h>

namespace holdfast::replay {

namespace {

/// Rests after each piece that went to the disk until the next one's turn comes.
class paced {
public:
  explicit paced(snapshot_job& job) : job_(job) {}

  bool operator()(std::size_t bytes) {
    using clock = std::chrono::steady_clock;
    moved_ += bytes;
    if (job_.pace && moved_ >= wal::write_out_bytes) {
      job_.pace->moved(clock::now(), std::exchange(moved_, 0));
      for (auto rest = job_.pace->wait(clock::now()); rest > clock::duration{} && !*job_.called_off;
           rest = job_.pace->wait(clock::now()))
        std::this_thread::sleep_for(rest);
    }
    return !*job_.called_off;
  }

private:
  snapshot_job& job_;
  std::uint64_t moved_ = 0;
};

/// While it lives this thread is one that nobody waits for (SCHED_BATCH, per thread on Linux); not being
/// allowed to is no error. Never around anything that takes a lock others need (a mailbox, freeing the
/// state): who holds one must not be the last to run. For the same reason no lower nice value, which could
/// not be raised again.
class in_background {
public:
  in_background() : policy_(sched_getscheduler(0)) {
    (void)sched_getparam(0, &before_);
    constexpr sched_param none{};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
  }
  ~in_background() { (void)sched_setscheduler(0, policy_, &before_); }
  in_background(const in_background&) = delete;
  in_background& operator=(const in_background&) = delete;

private:
  int policy_;
  sched_param before_{};
};

} // namespace

void run(snapshot_job& job) {
  {
    const in_background calm;
    job.outcome = write_base(*job.writer, job.encoded_config, job.state->state(), paced{job});
  }
  job.state.reset();
  if (job.outcome)
    job.outcome = job.writer->finish();
}

} // namespace holdfast::replay
