#include "runtime/asio_clock.hpp"

#include <boost/asio/post.hpp>
#include <caf/abstract_actor.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/group.hpp>

#include <memory>

namespace holdfast::runtime {

asio_clock::asio_clock(boost::asio::io_context& io) : io_(io), timer_(io) {}

void asio_clock::bind_thread() {
  loop_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

template <class Action>
void asio_clock::on_loop(Action action) {
  if (std::this_thread::get_id() == loop_thread_.load(std::memory_order_relaxed)) {
    action();
  } else {
    boost::asio::post(io_, std::move(action));
  }
}

// A later event never moves an armed timer: firing early is harmless, one syscall per message is not.
void asio_clock::arm() {
  if (schedule_.empty())
    return;
  const auto due = schedule_.begin()->first;
  if (armed_ && armed_for_ <= due)
    return;
  armed_ = true;
  armed_for_ = due;
  timer_.expires_at(due);
  timer_.async_wait([this](const boost::system::error_code& failed) {
    if (failed)
      return;
    armed_ = false;
    trigger_expired_timeouts();
    arm();
  });
}

void asio_clock::set_ordinary_timeout(time_point due, caf::abstract_actor* who, caf::atom_value type,
                                      std::uint64_t id) {
  on_loop([=, this, keep = caf::strong_actor_ptr{who->ctrl()}] {
    base::set_ordinary_timeout(due, keep->get(), type, id);
    arm();
  });
}

void asio_clock::set_multi_timeout(time_point due, caf::abstract_actor* who, caf::atom_value type,
                                   std::uint64_t id) {
  on_loop([=, this, keep = caf::strong_actor_ptr{who->ctrl()}] {
    base::set_multi_timeout(due, keep->get(), type, id);
    arm();
  });
}

void asio_clock::set_request_timeout(time_point due, caf::abstract_actor* who, caf::message_id id) {
  on_loop([=, this, keep = caf::strong_actor_ptr{who->ctrl()}] {
    base::set_request_timeout(due, keep->get(), id);
    arm();
  });
}

// The cancellations run while an actor is being torn down: they may keep its id, never a reference to it.
void asio_clock::cancel_ordinary_timeout(caf::abstract_actor* who, caf::atom_value type) {
  on_loop([this, what = ordinary_timeout_cancellation{who->id(), type}] { handle(what); });
}

void asio_clock::cancel_request_timeout(caf::abstract_actor* who, caf::message_id id) {
  on_loop([this, what = request_timeout_cancellation{who->id(), id}] { handle(what); });
}

void asio_clock::cancel_timeouts(caf::abstract_actor* who) {
  on_loop([this, what = timeouts_cancellation{who->id()}] { handle(what); });
}

void asio_clock::schedule_message(time_point due, caf::strong_actor_ptr receiver,
                                  caf::mailbox_element_ptr content) {
  // Asio wants copyable-or-movable handlers, CAF's element pointer has a stateful deleter: box it.
  auto boxed = std::make_shared<caf::mailbox_element_ptr>(std::move(content));
  on_loop([this, due, receiver = std::move(receiver), boxed] {
    base::schedule_message(due, receiver, std::move(*boxed));
    arm();
  });
}

void asio_clock::schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                                  caf::message content) {
  on_loop([this, due, target = std::move(target), sender = std::move(sender), content = std::move(content)] {
    base::schedule_message(due, target, sender, content);
    arm();
  });
}

void asio_clock::cancel_all() {
  on_loop([this] {
    base::cancel_all();
    timer_.cancel();
    armed_ = false;
  });
}

} // namespace holdfast::runtime
