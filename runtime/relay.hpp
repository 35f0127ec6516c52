// A handle that outlives restarts. A relay is an actor without a mailbox: it passes every message on to the
// actor it is aimed at, sender and request id untouched, on the sender's thread. While it is aimed at
// nothing, requests are answered at once with sec::request_receiver_down (surely not handled) and plain
// messages are dropped, as for any dead actor. Monitoring a relay means nothing; monitor the actor behind it.
#pragma once

#include <caf/all.hpp>

#include <memory>

namespace holdfast::runtime {

class relay_target {
public:
  virtual ~relay_target() = default;
  virtual void aim(caf::strong_actor_ptr actor) = 0;
};

/// Builds the untyped core. Use make_relay.
[[nodiscard]] caf::strong_actor_ptr make_relay_actor(caf::actor_system& system, relay_target*& target);

template <class Handle>
class relay {
public:
  explicit relay(caf::actor_system& system)
      : handle_(caf::actor_cast<Handle>(make_relay_actor(system, target_))) {}

  /// Give this to whoever should not notice restarts.
  [[nodiscard]] const Handle& handle() const { return handle_; }

  /// Any thread. A null handle takes the aim away.
  void aim(const Handle& actor) { target_->aim(caf::actor_cast<caf::strong_actor_ptr>(actor)); }
  void aim(std::nullptr_t) { target_->aim(nullptr); }

private:
  relay_target* target_ = nullptr; // lives as long as handle_
  Handle handle_;
};

} // namespace holdfast::runtime
