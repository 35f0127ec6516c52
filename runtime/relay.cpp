#include "runtime/relay.hpp"

#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>

#include <mutex>

namespace holdfast::runtime {

namespace {

class relay_actor final : public caf::monitorable_actor, public relay_target {
public:
  explicit relay_actor(caf::actor_config& cfg) : monitorable_actor(cfg) {}

  void aim(caf::strong_actor_ptr actor) override {
    const std::lock_guard lock(mutex_);
    target_.swap(actor);
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    caf::strong_actor_ptr to;
    {
      const std::lock_guard lock(mutex_);
      to = target_;
    }
    if (to)
      return to->enqueue(std::move(element), unit);
    caf::detail::sync_request_bouncer refuse{caf::exit_reason::unknown};
    refuse(*element);
  }

private:
  std::mutex mutex_;
  caf::strong_actor_ptr target_;
};

} // namespace

caf::strong_actor_ptr make_relay_actor(caf::actor_system& system, relay_target*& target) {
  caf::actor_config cfg{system.dummy_execution_unit()};
  auto made = caf::make_actor<relay_actor, caf::strong_actor_ptr>(system.next_actor_id(), system.node(),
                                                                  &system, cfg);
  target = static_cast<relay_actor*>(made->get());
  return made;
}

} // namespace holdfast::runtime
