// The listener of the API. It outlives the actor behind it: while there is no room (the actor is restarting,
// or has failed) every request on every connection, old or new, is answered with 503 in the error shape, and
// service resumes with the next room. Event loop only.
#pragma once

#include "actors/api/api_room.hpp"
#include "net/http_server.hpp"

#include <memory>

namespace holdfast::api {

class api_front {
public:
  api_front(boost::asio::any_io_executor executor, std::shared_ptr<net::tls_slot> tls,
            net::http_server_options options = {});

  /// Throws std::runtime_error naming the address and the reason.
  net::net_address listen(const net::net_address& where);
  boost::asio::awaitable<void> stop(std::chrono::milliseconds drain);

  /// Null takes the room away.
  void set_room(std::shared_ptr<api_room> room);
  [[nodiscard]] const std::shared_ptr<api_room>& room() const { return *room_; }
  [[nodiscard]] net::http_server_stats stats() const { return server_.stats(); }
  [[nodiscard]] boost::asio::any_io_executor executor() const { return executor_; }
  [[nodiscard]] net::tls_slot& tls() const { return *tls_; }

private:
  /// Shared with the server's coroutines, which may outlive this object by a turn of the loop.
  std::shared_ptr<std::shared_ptr<api_room>> room_ = std::make_shared<std::shared_ptr<api_room>>();
  boost::asio::any_io_executor executor_;
  std::shared_ptr<net::tls_slot> tls_;
  net::http_server server_;
};

/// Words what the server refuses by itself (bad requests, limits) in the shape of contract §2.
[[nodiscard]] net::http_response server_error(unsigned status, std::string_view message,
                                              const net::http_head* head);

} // namespace holdfast::api
