// What the API asks of the node around it. The actor implements it; tests by hand. Event loop only.
#pragma once

#include "messages/actors.hpp"
#include "messages/cluster.hpp"
#include "messages/ha_state.hpp"
#include "messages/license.hpp"
#include "messages/log_digest.hpp"
#include "messages/object_view.hpp"
#include "messages/vip.hpp"
#include "net/http_server.hpp"
#include "net/tls_context.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::api {

/// What does not change while the process lives; filled by whoever assembles the daemon.
struct node_facts {
  std::string id;       ///< --drp-id, else the lowest MAC
  std::string local_id; ///< MAC of the first link, contract §7.1
  std::string address;  ///< IP under which clients reach this server
  std::string hostname;
  std::string version = HOLDFAST_VERSION;
  std::uint16_t api_port = 0;
};

class node_port {
public:
  virtual ~node_port() = default;
  [[nodiscard]] virtual const node_facts& facts() const = 0;
  /// Nothing when consensus is down. Answers without quorum (STA-10).
  virtual boost::asio::awaitable<std::optional<msg::consensus_status>> status() = 0;
  /// The log's digest at an index (0: the newest one on disk). Nothing when the log's writer does not answer.
  virtual boost::asio::awaitable<std::optional<msg::log_digest>> digest(std::uint64_t index) = 0;
  /// Empty when the supervisor does not answer.
  virtual boost::asio::awaitable<std::vector<msg::actor_row>> actors() = 0;
  /// The virtual address as this node sees it. Nothing when its actor does not answer.
  virtual boost::asio::awaitable<std::optional<msg::vip_status>> vip() { co_return std::nullopt; }
  /// An empty string, or why it was refused.
  virtual boost::asio::awaitable<std::string> control(std::string verb, std::string name) = 0;
  /// The node's cluster desk: enrolment, removal, hand-over (messages/cluster.hpp). Without one: 501.
  virtual boost::asio::awaitable<msg::cluster_answer> cluster(msg::cluster_call) {
    msg::cluster_answer none;
    none.status = 501;
    none.messages.emplace_back("This node has no cluster desk");
    co_return none;
  }
  /// Never null.
  [[nodiscard]] virtual msg::ha_state_ptr ha_state() const = 0;
  /// How the entitlement in that view stands (LIC-05). Nothing on a node that asks for none.
  [[nodiscard]] virtual std::optional<msg::license_facts> license(const msg::object_view&) const {
    return std::nullopt;
  }
  [[nodiscard]] virtual net::http_server_stats http() const = 0;
  /// The API's certificate and key as they stand.
  [[nodiscard]] virtual net::pem_pair certificate() const = 0;
  /// Checks the pair and makes the callable that writes it (blocking), without swapping yet. Throws
  /// net::tls_error.
  [[nodiscard]] virtual net::tls_context_ptr check_certificate(const net::pem_pair& pem) const = 0;
  /// Writes the files; blocking, on the worker. Throws net::tls_error.
  virtual void store_certificate(const net::pem_pair& pem) const = 0;
  /// New connections use it from now on; live ones are not touched.
  virtual void swap_certificate(const net::pem_pair& pem, net::tls_context_ptr context) = 0;
};

} // namespace holdfast::api
