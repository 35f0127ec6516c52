#include "actors/node/cluster_actor.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::node {

namespace {

constexpr auto look_interval = std::chrono::milliseconds(500);

bool concerns_cluster(const std::vector<msg::change>& batch) {
  return std::any_of(batch.begin(), batch.end(), [](const msg::change& change) {
    return change.prefix == msg::cluster_prefix || change.prefix == msg::cluster_secrets_prefix;
  });
}

} // namespace

cluster_impl::cluster_impl(caf::actor_config& cfg, runtime::card_ptr card,
                           boost::asio::any_io_executor executor, std::shared_ptr<cluster_desk> desk)
    : counting_actor(cfg, std::move(card)), executor_(std::move(executor)), desk_(std::move(desk)) {}

cluster_impl::behavior_type cluster_impl::make_behavior() {
  delayed_send(this, look_interval, caf::tick_atom::value);
  return {
      [this](msg::role_atom, const msg::role_info& role) { desk_->on_role(role); },
      [this](msg::members_atom, const msg::members_ptr& members) { desk_->on_members(members); },
      [this](msg::changes_atom, const msg::changes_ptr& batch) {
        if (!batch || concerns_cluster(*batch))
          desk_->poke();
      },
      [this](caf::tick_atom) {
        desk_->poke();
        delayed_send(this, look_interval, caf::tick_atom::value);
      },
      [this](msg::call_atom, const msg::cluster_call_ptr& call) {
        auto promise = make_response_promise<caf::typed_response_promise<msg::cluster_answer_ptr>>();
        auto work = [desk = desk_, call]() -> boost::asio::awaitable<msg::cluster_answer> {
          co_return co_await desk->answer(*call);
        };
        boost::asio::co_spawn(executor_, std::move(work),
                              [promise](const std::exception_ptr&, msg::cluster_answer answer) mutable {
                                promise.deliver(msg::cluster_answer_ptr(
                                    std::make_shared<const msg::cluster_answer>(std::move(answer))));
                              });
        return promise;
      },
  };
}

} // namespace holdfast::node
