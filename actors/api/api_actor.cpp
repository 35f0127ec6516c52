#include "actors/api/api_actor.hpp"

namespace holdfast::api {

api_impl::api_impl(caf::actor_config& cfg, runtime::card_ptr card, api_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {}

api_impl::behavior_type api_impl::make_behavior() {
  room_ = std::make_shared<api_room>(config_.make_parts());
  // Subscribed before the first request, so that no cached right outlives a change.
  this->send(config_.replay, msg::changes_atom::value, caf::actor_cast<caf::actor>(this));
  config_.front->set_room(room_);
  room_->open(config_.front->executor());
  return {[this](msg::notice_atom, const msg::notice_ptr& notice) { room_->on_notice(*notice); },
          [this](msg::changes_atom, const msg::changes_ptr& batch) { room_->on_changes(batch); }};
}

void api_impl::abandon() {
  // Only if the next life has not moved in already.
  if (config_.front->room() == room_)
    config_.front->set_room(nullptr);
  else if (room_)
    room_->close();
  room_.reset();
}

} // namespace holdfast::api
