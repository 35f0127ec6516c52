#include "actors/replay/snapshot_job.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace holdfast::replay {

void run(snapshot_job& job) {
  job.outcome = write_base(*job.writer, job.encoded_config, job.state->state());
  job.state.reset();
  if (job.outcome)
    job.outcome = job.writer->finish();
}

// Per thread on Linux. Not being allowed to is no error.
void lower_thread_priority() {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
}

} // namespace holdfast::replay
