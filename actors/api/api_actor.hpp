// api: the actor that owns one life of the API (architecture §2). It makes the room when it starts, feeds it
// the applied changes, and takes it away when it ends, however it ends: open connections then get 503 until
// the supervisor has started the next one.
#pragma once

#include "actors/api/api_front.hpp"
#include "messages/actors.hpp"
#include "messages/notice.hpp"
#include "runtime/counting_actor.hpp"

#include <functional>
#include <memory>

namespace holdfast::api {

using api_handle = msg::notice_sink_actor::extend<caf::reacts_to<msg::changes_atom, msg::changes_ptr>>;

/// What every life of the actor starts with. Borrowed and shared things outlive the actor.
struct api_config {
  std::shared_ptr<api_front> front;
  msg::replay_actor replay; ///< a handle that outlives restarts: the change feed is subscribed to here
  /// Fresh doors for a fresh room. The node port keeps the certificate of the process, so it may be shared.
  std::function<room_parts()> make_parts;
};

class api_impl final : public runtime::counting_actor<api_handle::base> {
public:
  api_impl(caf::actor_config& cfg, runtime::card_ptr card, api_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  api_config config_;
  std::shared_ptr<api_room> room_;
};

} // namespace holdfast::api
