#include "actors/replay/snapshot_job.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

} // namespace

void run(snapshot_job& job) {
  job.outcome = write_base(*job.writer, job.encoded_config, job.state->state(), paced{job});
  job.state.reset();
  if (job.outcome)
    job.outcome = job.writer->finish();
}

// Per thread on Linux. Not being allowed to is no error. A daemon that its service manager gave a real-time
// policy passes that on to its threads; this one leaves it.
void lower_thread_priority() {
  constexpr sched_param none{};
  (void)sched_setscheduler(0, SCHED_BATCH, &none);
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
}

} // namespace holdfast::replay
