// cluster: the door of the cluster desk to the other actors. It decides nothing; the desk outlives it.
#pragma once

#include "actors/node/cluster_desk.hpp"
#include "runtime/counting_actor.hpp"

#include <memory>

namespace holdfast::node {

class cluster_impl final : public runtime::counting_actor<msg::cluster_actor::base> {
public:
  cluster_impl(caf::actor_config& cfg, runtime::card_ptr card, boost::asio::any_io_executor executor,
               std::shared_ptr<cluster_desk> desk);
  behavior_type make_behavior() override;

protected:
  void abandon() override { desk_.reset(); }

private:
  boost::asio::any_io_executor executor_;
  std::shared_ptr<cluster_desk> desk_;
};

} // namespace holdfast::node
