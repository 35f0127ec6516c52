// Everything that lives while the daemon serves, in the order in which it may go: loop, actor system, the
// group that holds the replicated state, the API's listener, the root supervisor.
#pragma once

#include "actors/api/actor_gateways.hpp"
#include "actors/api/api_actor.hpp"
#include "actors/node/cluster_actor.hpp"
#include "actors/peer/links_actor.hpp"
#include "actors/vip/vip_actor.hpp"
#include "consensus_group.hpp"
#include "net/event_loop.hpp"
#include "prepare.hpp"
#include "runtime/actor_host.hpp"

#include <boost/asio/steady_timer.hpp>

#include <future>
#include <memory>

namespace holdfast::daemon {

class service {
public:
  /// Listens and starts the root supervisor; nothing runs yet. Throws std::runtime_error when it cannot
  /// listen.
  service(const node::settings& settings, const prepared& with, vip::guard_handle guard);

  /// Runs the loop on a thread of its own until SIGTERM or SIGINT, then ends everything. Main thread.
  void serve();

private:
  [[nodiscard]] node::child_group api_child();
  [[nodiscard]] node::child_group links_child();
  [[nodiscard]] node::child_group cluster_child();
  [[nodiscard]] node::child_group vip_child();
  [[nodiscard]] std::shared_ptr<node::cluster_desk> make_desk();
  [[nodiscard]] api::room_parts make_parts();
  void start_root();
  void feed_watchdog();
  msg::state_verdict_ptr verdict_ = std::make_shared<msg::state_verdict>();
  boost::asio::awaitable<void> hand_over();
  void wait_for_rooms();
  boost::asio::awaitable<void> take_address_off();
  void end(std::thread& loop_thread);

  const node::settings& settings_;
  const prepared& with_;
  net::event_loop loop_;
  runtime::actor_host host_;
  runtime::directory_ptr directory_ = std::make_shared<runtime::actor_directory>();
  std::shared_ptr<replay::change_feed> feed_ = std::make_shared<replay::change_feed>();
  consensus_group group_;
  runtime::relay<msg::links_actor> links_;
  runtime::relay<msg::cluster_actor> cluster_;
  runtime::relay<msg::vip_actor> vip_;
  runtime::relay<msg::notice_sink_actor> watchers_;
  std::shared_ptr<vip::guard_link> guard_;
  std::shared_ptr<runtime::board<msg::standing_ptr>> standing_ =
      std::make_shared<runtime::board<msg::standing_ptr>>();
  std::shared_ptr<net::tls_slot> cluster_tls_ = std::make_shared<net::tls_slot>(nullptr);
  std::shared_ptr<node::cluster_desk> desk_;
  std::shared_ptr<api::log_ring> ring_ = std::make_shared<api::log_ring>();
  std::shared_ptr<api::api_front> front_;
  std::shared_ptr<api::actor_node_port> port_;
  std::shared_ptr<void> rooms_ = std::make_shared<int>(); ///< also held by each room of the API
  msg::node_actor root_;
  boost::asio::steady_timer watchdog_;
  std::promise<int> ending_; ///< the signal that ends it
};

} // namespace holdfast::daemon
