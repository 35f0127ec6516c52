// Whether two nodes can meet on their consensus addresses, tried before a node joins (ENR-14): not a TCP
// connection but what members do with one another, a TLS handshake in which each shows a certificate the
// cluster's roots vouch for, and a hello. So a closed port, a wrong root, an address that is not in the
// certificate and a clock that is off are all found while nothing has been touched. Loop thread only.
#pragma once

#include "net/peer_link.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace holdfast::node {

/// In place of a cluster id in the hellos of such a trial: a candidate belongs to no cluster yet.
inline constexpr const char* trial_cluster = "reach-trial";

/// What a candidate shows on its consensus address while members try to reach it.
class reach_door {
public:
  /// Listens until destroyed. Throws std::runtime_error when it cannot listen, net::identity_error when the
  /// credentials do not fit together.
  reach_door(const boost::asio::any_io_executor& executor, const net::peer_settings& settings,
             const net::peer_credentials& credentials);
  ~reach_door();
  reach_door(const reach_door&) = delete;
  reach_door& operator=(const reach_door&) = delete;

private:
  class observer;
  std::unique_ptr<observer> observer_;
  std::unique_ptr<net::peer_network> network_;
};

/// Calls node `peer` at `where` from settings.own. Empty when both sides believed each other, also when the
/// other then said that it does not take this node as a member (yet); else why not, for people. The arguments
/// must outlive the wait.
[[nodiscard]] boost::asio::awaitable<std::string>
try_reach(boost::asio::any_io_executor executor, const net::peer_settings& settings,
          const net::peer_credentials& credentials, const std::string& peer, const net::net_address& where);

} // namespace holdfast::node
