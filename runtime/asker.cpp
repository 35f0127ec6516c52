#include "runtime/asker.hpp"

#include <boost/asio/steady_timer.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

#include <mutex>
#include <unordered_map>
#include <vector>

namespace holdfast::runtime {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto sweep_interval = std::chrono::milliseconds(50);

} // namespace

// An actor without a mailbox: replies are handed over on the thread that sends them.
class asker::sink final : public caf::monitorable_actor {
public:
  sink(caf::actor_config& cfg, boost::asio::io_context& io) : monitorable_actor(cfg), io_(io), timer_(io) {}

  void begin(std::unique_ptr<detail::open_ask> ask, const caf::strong_actor_ptr& to,
             std::chrono::milliseconds timeout, caf::message content) {
    if (!to)
      return ask->complete(ask_status::dead, {}, "no such actor");
    std::uint64_t id = 0;
    bool wake_sweeper = false;
    {
      const std::lock_guard lock(mutex_);
      if (!closed_) {
        id = ++last_id_;
        open_.emplace(id, entry{std::move(ask), clock::now() + timeout});
        wake_sweeper = !std::exchange(sweeping_, true);
      }
    }
    if (id == 0)
      return ask->complete(ask_status::timed_out, {}, "the node is shutting down");
    if (wake_sweeper)
      boost::asio::post(io_, [this, keep = caf::strong_actor_ptr{ctrl()}] { arm(); });
    to->enqueue(caf::strong_actor_ptr{ctrl()}, caf::make_message_id(id), std::move(content), nullptr);
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    auto ask = take(element->mid.request_id().integer_value());
    if (!ask)
      return; // late: its deadline has passed
    auto content = element->move_content_to_message();
    if (!content.match_elements<caf::error>())
      return ask->complete(ask_status::answered, content, {});
    const auto& error = content.get_as<caf::error>(0);
    const bool dead = error == caf::sec::request_receiver_down;
    ask->complete(dead ? ask_status::dead : ask_status::refused, {}, home_system().render(error));
  }

  void close() {
    std::unordered_map<std::uint64_t, entry> left;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      left.swap(open_);
    }
    timer_.cancel();
    for (auto& [id, open] : left)
      open.ask->complete(ask_status::timed_out, {}, "the node is shutting down");
  }

private:
  struct entry {
    std::unique_ptr<detail::open_ask> ask;
    clock::time_point deadline;
  };

  std::unique_ptr<detail::open_ask> take(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end())
      return nullptr;
    auto ask = std::move(found->second.ask);
    open_.erase(found);
    return ask;
  }

  void arm() {
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this, keep = caf::strong_actor_ptr{ctrl()}](const boost::system::error_code& failed) {
      if (!failed)
        sweep();
    });
  }

  // The timer runs only while something is open, so an idle process stays asleep.
  void sweep() {
    std::vector<std::unique_ptr<detail::open_ask>> late;
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      const auto now = clock::now();
      for (auto it = open_.begin(); it != open_.end();) {
        if (it->second.deadline > now) {
          ++it;
          continue;
        }
        late.push_back(std::move(it->second.ask));
        it = open_.erase(it);
      }
      more = sweeping_ = !open_.empty();
    }
    for (auto& ask : late)
      ask->complete(ask_status::timed_out, {}, "no answer in time");
    if (more)
      arm();
  }

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, entry> open_;
  std::uint64_t last_id_ = 0;
  bool sweeping_ = false;
  bool closed_ = false;
};

asker::asker(caf::actor_system& system, boost::asio::io_context& io) {
  caf::actor_config cfg{system.dummy_execution_unit()};
  sink_ptr_ =
      caf::make_actor<sink, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, cfg, io);
  sink_ = static_cast<sink*>(sink_ptr_->get());
}

asker::~asker() {
  close();
}

void asker::begin(std::unique_ptr<detail::open_ask> ask, caf::strong_actor_ptr to,
                  std::chrono::milliseconds timeout, caf::message content) {
  sink_->begin(std::move(ask), to, timeout, std::move(content));
}

void asker::close() {
  sink_->close();
}

} // namespace holdfast::runtime
