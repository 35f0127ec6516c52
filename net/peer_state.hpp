// What listener, diallers and links of one peer network share. Internal to the room; loop thread only.
#pragma once

#include "messages/log_line.hpp"
#include "net/log_limiter.hpp"
#include "net/peer_link.hpp"
#include "net/peer_tls.hpp"
#include "net/tls_stream.hpp"

#include <list>
#include <memory>
#include <random>
#include <string>

namespace holdfast::net {

class peer_session;

struct peer_network::state : std::enable_shared_from_this<peer_network::state> {
  state(asio::any_io_executor ex, peer_settings own, peer_credentials credentials, peer_observer& watcher);

  asio::any_io_executor executor;
  peer_settings settings;
  tls_context_ptr context;
  peer_observer* observer; ///< null once the network is gone: nobody is told anything more
  admission policy;
  peer_stats stats;
  log_limiter quiet;
  std::minstd_rand jitter;
  std::list<tcp::acceptor> acceptors;
  std::list<std::weak_ptr<peer_session>> sessions; ///< up or coming up
  std::size_t incoming = 0;                        ///< accepted and not gone

  [[nodiscard]] bool dead() const { return observer == nullptr; }
  [[nodiscard]] peer_hello own_hello(link_purpose purpose, const std::string& receiver) const;
  /// The policy's objection, if any; an exception in the policy is an objection.
  [[nodiscard]] std::optional<std::string> objection(const std::string& peer_id, link_purpose purpose) const;
  /// One line about trouble with this subject, unless there was one lately.
  void log_trouble(const std::string& subject, msg::log_line line);
  [[nodiscard]] net_address listen();
  asio::awaitable<void> accept_loop(tcp::acceptor& acceptor);
  asio::awaitable<void> receive(tcp::socket socket);
};

/// A link that lived shorter than this counts as a failed dial: no immediate redial, or two nodes that
/// disagree about each other would dial in a tight loop.
inline constexpr std::chrono::milliseconds settled_life{1'000};

/// What lines about one standing wish for a link are limited under.
[[nodiscard]] inline std::string trouble_subject(const std::string& peer_id, link_purpose purpose) {
  return peer_id + " " + std::string(to_string(purpose));
}

/// SO_KEEPALIVE, TCP_NODELAY and TCP_USER_TIMEOUT as the limits say.
void tune_socket(tcp::socket& socket, const peer_limits& limits);

} // namespace holdfast::net
