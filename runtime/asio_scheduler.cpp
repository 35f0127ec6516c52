#include "runtime/asio_scheduler.hpp"

#include <boost/asio/post.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

namespace holdfast::runtime {

namespace {

// So many jobs run before the event loop gets its turn again: long enough to amortise the trip, short enough
// that sockets and timers wait well under a millisecond.
constexpr std::size_t jobs_per_turn = 128;
constexpr std::size_t messages_per_resume = 50;

// Stands where CAF would put its printer thread.
class text_receiver final : public caf::monitorable_actor {
public:
  text_receiver(caf::actor_config& cfg, caf_text_sink sink)
      : monitorable_actor(cfg), sink_(std::move(sink)) {}

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    auto content = element->move_content_to_message();
    if (content.match_elements<caf::add_atom, caf::actor_id, std::string>() && sink_) {
      sink_(content.get_as<caf::actor_id>(1), content.get_as<std::string>(2));
    }
  }

private:
  caf_text_sink sink_;
};

} // namespace

loop_config::loop_config(boost::asio::io_context& loop, caf_text_sink text_sink)
    : io(loop), sink(std::move(text_sink)) {
  set("scheduler.max-throughput", messages_per_resume);
  load<asio_scheduler>();
}

asio_scheduler::loop_unit::loop_unit(asio_scheduler* owner)
    : execution_unit(&owner->system()), scheduler(owner) {}

// The unit can leak to another thread through a handle a detached actor holds, so go by the calling thread.
void asio_scheduler::loop_unit::exec_later(caf::resumable* job) {
  scheduler->enqueue(job);
}

asio_scheduler::asio_scheduler(caf::actor_system& system)
    : abstract_coordinator(system), unit_(this), io_(dynamic_cast<const loop_config&>(system.config()).io),
      sink_(dynamic_cast<const loop_config&>(system.config()).sink), clock_(io_) {}

caf::actor_system::module* asio_scheduler::make(caf::actor_system& system, caf::detail::type_list<>) {
  return new asio_scheduler(system); // CAF takes ownership
}

void asio_scheduler::bind_thread() {
  loop_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  clock_.bind_thread();
}

void asio_scheduler::enqueue(caf::resumable* job) {
  if (std::this_thread::get_id() == loop_thread_.load(std::memory_order_relaxed)) {
    ready_.push_back(job);
    schedule_drain();
    return;
  }
  bool first = false;
  {
    const std::lock_guard lock(remote_mutex_);
    first = remote_.empty();
    remote_.push_back(job);
  }
  if (first) { // the others ride along: one wake-up of the loop per batch
    boost::asio::post(io_, [this] {
      take_remote();
      drain();
    });
  }
}

void asio_scheduler::start() {
  caf::actor_config cfg{&unit_};
  utility_actors_[printer_id] = caf::make_actor<text_receiver, caf::actor>(
      system().next_actor_id(), system().node(), &system(), cfg, sink_);
}

// The loop thread is gone by now: what is still queued runs here, on the thread that destroys the system.
void asio_scheduler::stop() {
  bind_thread();
  for (;;) {
    take_remote();
    io_.restart();
    if (ready_.empty() && io_.poll() == 0)
      break;
    drain();
  }
  clock_.cancel_all();
  utility_actors_[printer_id] = nullptr;
}

void asio_scheduler::schedule_drain() {
  if (drain_scheduled_)
    return;
  drain_scheduled_ = true;
  boost::asio::post(io_, [this] { drain(); });
}

void asio_scheduler::take_remote() {
  std::deque<caf::resumable*> taken;
  {
    const std::lock_guard lock(remote_mutex_);
    taken.swap(remote_);
  }
  ready_.insert(ready_.end(), taken.begin(), taken.end());
}

void asio_scheduler::drain() {
  drain_scheduled_ = true; // what the jobs enqueue joins this round or the next, without another post
  for (std::size_t left = jobs_per_turn; left > 0 && !ready_.empty(); --left) {
    auto* job = ready_.front();
    ready_.pop_front();
    run_one(job);
  }
  drain_scheduled_ = false;
  if (!ready_.empty())
    schedule_drain();
}

void asio_scheduler::run_one(caf::resumable* job) {
  switch (job->resume(&unit_, max_throughput())) {
  case caf::resumable::resume_later:
    ready_.push_back(job);
    break;
  case caf::resumable::done:
  case caf::resumable::awaiting_message:
    caf::intrusive_ptr_release(job);
    break;
  case caf::resumable::shutdown_execution_unit:
    break;
  }
}

} // namespace holdfast::runtime
