// Hands events to websocket clients (contract §6). One connection gets an event once however many of its
// registrations match, and only what its identity may get; the text is made once for all. Event loop only.
#pragma once

#include "actors/api/auth.hpp"
#include "actors/api/event_pattern.hpp"
#include "actors/api/event_text.hpp"
#include "actors/api/request_context.hpp"
#include "net/http_exchange.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

class event_hub {
public:
  /// Follows the hub of changes for as long as it lives.
  explicit event_hub(change_hub& changes);

  /// One client. Registrations are bounded; a client that does not read is closed, never waited for.
  class session {
  public:
    session(std::shared_ptr<net::websocket> socket, identity_ptr who)
        : socket_(std::move(socket)), who_(std::move(who)) {}
    /// Acts on one message and answers it with exactly one event of Type `websocket`, after it took effect.
    /// False: the message is no registration and the connection should close.
    bool handle(std::string_view message, msg::log_time now);

  private:
    friend class event_hub;
    [[nodiscard]] bool wants(std::string_view type, std::string_view action, std::string_view key) const;
    [[nodiscard]] bool may_get(std::string_view type, std::string_view key) const;
    void send(const std::string& text);

    std::shared_ptr<net::websocket> socket_;
    identity_ptr who_;
    std::vector<event_pattern> patterns_;
    bool closed_ = false;
  };
  using session_ptr = std::shared_ptr<session>;

  /// The client is served until the pointer is dropped.
  [[nodiscard]] session_ptr open(std::shared_ptr<net::websocket> socket, identity_ptr who);

  /// Hands out an event that is not a change of an object (posted ones, log lines, logins).
  void publish(const event& e);

  [[nodiscard]] std::size_t size() const;

  /// Streams end rather than miss events in silence; clients connect again.
  void close_all(std::uint16_t code, const std::string& why);
  /// Ends the streams of those whose rights may have changed: what each may get was found out when it was
  /// opened.
  void end_outdated(const rights_change& changed);

private:
  void publish_changes(const msg::changes_ptr& batch);
  template <class MakeText>
  void deliver(std::string_view type, std::string_view action, std::string_view key, MakeText make_text);

  std::vector<std::weak_ptr<session>> sessions_;
  change_hub::subscription following_;
};

} // namespace holdfast::api
