// One life of the API behind its listener: the doors to replay and the node, authentication, routes. The
// actor makes one when it starts and gives it up when it ends; a request keeps the room it began in until it
// is answered. Event loop only.
#pragma once

#include "actors/api/auth.hpp"
#include "actors/api/event_hub.hpp"
#include "actors/api/log_ring.hpp"
#include "actors/api/node_port.hpp"
#include "actors/api/request_context.hpp"
#include "actors/api/request_forwarder.hpp"
#include "actors/api/router.hpp"
#include "actors/api/system_services.hpp"
#include "messages/notice.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace holdfast::api {

struct room_parts {
  std::shared_ptr<store_gateway> store;
  std::shared_ptr<node_port> node;
  std::function<msg::log_time()> now;
  std::shared_ptr<log_ring> ring; ///< GET logs and log events; may be null
  std::shared_ptr<void> life{};   ///< held as long as the room lives: whoever ends the loop waits for it
  forwarder_config forwarding;
};

class api_room : public std::enable_shared_from_this<api_room> {
public:
  explicit api_room(room_parts parts);
  ~api_room();

  /// The listener's handler.
  boost::asio::awaitable<void> handle(std::shared_ptr<net::http_exchange> exchange);
  /// A batch of applied changes: authentication first, then whoever listens. Null: some were missed.
  void on_changes(const msg::changes_ptr& batch);
  /// Something that watchers are told though no object changed.
  void on_notice(const msg::notice& notice);
  /// Begins to make events of log lines and to keep house, on that executor. Once.
  void open(const boost::asio::any_io_executor& loop);
  /// This life is over: event streams and long polls are told to end.
  void close();

  /// What must be in the store before anybody can log in; runs until it is there or the room is closed. Then
  /// looks once a day whether the default password still stands, and says so loudly.
  boost::asio::awaitable<void> keep_house();

  [[nodiscard]] bool filled() const { return filled_; }
  [[nodiscard]] services& shared() { return shared_; }
  [[nodiscard]] api_auth& auth() { return auth_; }
  [[nodiscard]] const router& routes() const { return router_; }

private:
  boost::asio::awaitable<void> rest(std::chrono::milliseconds span);
  boost::asio::awaitable<bool> fill_store();
  boost::asio::awaitable<bool> write(msg::transaction tx);

  room_parts parts_;
  change_hub changes_;
  services shared_;
  api_auth auth_;
  router router_;
  system_services system_;
  event_hub events_;
  std::shared_ptr<request_forwarder> forwarder_;
  boost::asio::any_io_executor loop_;
  std::optional<boost::asio::steady_timer> alarm_;
  bool closed_ = false;
  bool filled_ = false;
};

} // namespace holdfast::api
