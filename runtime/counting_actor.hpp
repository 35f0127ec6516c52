// The base of every actor in this house: it counts messages and the time they take, keeps the actor's card up
// to date, can be suspended, and lets no exception out unnamed. Works the same for actors on the event loop
// and for detached ones.
//
//   class replay_impl : public runtime::counting_actor<msg::replay_actor::base> { ... };
//   auto handle = system.spawn<replay_impl>(card, ...);
//
// Cost: two reads of the steady clock and a few relaxed atomics a message.
#pragma once

#include "runtime/actor_directory.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace holdfast::runtime {

/// Sent by `resume_actor` so that a suspended actor looks at the messages it left in its mailbox.
using wake_atom = caf::atom_constant<caf::atom("wake")>;

/// What an exception has to say.
[[nodiscard]] inline std::string describe(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception without a text";
  }
}

template <class Base>
class counting_actor : public Base {
public:
  counting_actor(caf::actor_config& cfg, card_ptr card) : Base(cfg), card_(std::move(card)) {
    using namespace std::chrono;
    card_->born(this->id(), duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    // CAF ends an actor whose handler threw, whatever is returned here; the requester gets the text.
    this->set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& thrown) {
      const auto text = describe(thrown);
      card_->set_last_error(text);
      return caf::make_error(caf::sec::runtime_error, text);
    });
  }

  [[nodiscard]] const char* name() const override { return card_->name().c_str(); }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    // What comes for a dead life is dropped by CAF; its card may be the next life's already, which would seem
    // to have a message that it never handles.
    if (!over_.load(std::memory_order_relaxed))
      card_->arrived();
    Base::enqueue(std::move(element), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& element) override {
    if (element.content().template match_elements<wake_atom>()) {
      card_->handled(0);
      return caf::invoke_message_result::consumed;
    }
    if (card_->suspended() && !is_system_message(element))
      return caf::invoke_message_result::skipped;
    const auto began = std::chrono::steady_clock::now();
    const auto result = Base::consume(element);
    if (result != caf::invoke_message_result::skipped) {
      card_->handled(static_cast<std::uint64_t>((std::chrono::steady_clock::now() - began).count()));
    }
    return result;
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    const bool orderly = !reason || reason == caf::exit_reason::user_shutdown;
    const auto text = orderly ? std::string{} : this->system().render(reason);
    if (!std::exchange(abandoned_, true))
      abandon();
    over_.store(true, std::memory_order_relaxed);
    const bool first = Base::cleanup(std::move(reason), unit);
    if (first)
      card_->died(text);
    return first;
  }

protected:
  /// Called once when the actor ends, however it ends, also by an exit that cannot be trapped. CAF never
  /// answers a promise that dies with its actor: whoever holds some answers them here and lets go of them.
  virtual void abandon() {}

  [[nodiscard]] const card_ptr& card() const { return card_; }

private:
  // A suspended actor still hears that it should end, or that what it watches ended.
  static bool is_system_message(const caf::mailbox_element& element) {
    const auto& content = element.content();
    return content.template match_elements<caf::exit_msg>() ||
           content.template match_elements<caf::down_msg>();
  }

  card_ptr card_;
  bool abandoned_ = false;
  std::atomic<bool> over_ = false; ///< whoever sends reads it, on any thread
};

/// Lets a suspended actor go on. Any thread.
template <class Handle>
void resume_actor(actor_card& card, const Handle& actor) {
  card.suspend(false);
  caf::anon_send(caf::actor_cast<caf::actor>(actor), wake_atom::value);
}

} // namespace holdfast::runtime
