// The doors of the API room to the other actors, by asking them. Event loop only.
#pragma once

#include "actors/api/node_port.hpp"
#include "actors/api/request_context.hpp"
#include "messages/actors.hpp"
#include "messages/consensus.hpp"
#include "messages/view_slot.hpp"
#include "runtime/asker.hpp"

#include <filesystem>
#include <functional>
#include <memory>

namespace holdfast::api {

class api_front;

/// Asks `replay`. An answer that does not come in time is an unknown outcome, never a guess.
class replay_gateway final : public store_gateway {
public:
  /// `newest` spares local readers the question while nothing changes.
  replay_gateway(runtime::asker& ask, msg::replay_actor replay, msg::view_slot_ptr newest)
      : ask_(ask), replay_(std::move(replay)), newest_(std::move(newest)) {}
  boost::asio::awaitable<msg::read_result> read(msg::consistency how) override;
  boost::asio::awaitable<msg::write_result> write(msg::transaction_ptr tx) override;

private:
  runtime::asker& ask_;
  msg::replay_actor replay_;
  msg::view_slot_ptr newest_;
};

/// Files of the API's certificate.
struct certificate_files {
  std::filesystem::path cert;
  std::filesystem::path key;
};

class actor_node_port final : public node_port {
public:
  struct parts {
    node_facts facts;
    msg::replay_actor replay;
    msg::node_actor node;
    msg::cluster_actor cluster; ///< a relay
    msg::vip_actor vip;         ///< a relay
    /// Turns the consensus room's names into the operator's; may be empty.
    std::function<msg::consensus_status(msg::consensus_status)> present;
    std::shared_ptr<net::tls_slot> cluster_tls; ///< what fellow members meet on the API port; may be null
    msg::log_writer_actor log_writer;
    std::function<msg::ha_state_ptr()> ha_state; ///< never answers null
    /// See node_port::license; may be empty.
    std::function<std::optional<msg::license_facts>(const msg::object_view&)> license;
    certificate_files files;
    net::pem_pair certificate;
  };
  /// `front` is borrowed for its counters and its TLS slot.
  actor_node_port(runtime::asker& ask, api_front& front, parts from);

  const node_facts& facts() const override { return parts_.facts; }
  boost::asio::awaitable<std::optional<msg::consensus_status>> status() override;
  boost::asio::awaitable<std::optional<msg::log_digest>> digest(std::uint64_t index) override;
  boost::asio::awaitable<std::vector<msg::actor_row>> actors() override;
  boost::asio::awaitable<std::optional<msg::vip_status>> vip() override;
  boost::asio::awaitable<msg::cluster_answer> cluster(msg::cluster_call call) override;
  boost::asio::awaitable<std::string> control(std::string verb, std::string name) override;
  msg::ha_state_ptr ha_state() const override { return parts_.ha_state(); }
  std::optional<msg::license_facts> license(const msg::object_view& view) const override {
    return parts_.license ? parts_.license(view) : std::nullopt;
  }
  net::http_server_stats http() const override;
  net::pem_pair certificate() const override { return parts_.certificate; }
  net::tls_context_ptr check_certificate(const net::pem_pair& pem) const override;
  void store_certificate(const net::pem_pair& pem) const override;
  void swap_certificate(const net::pem_pair& pem, net::tls_context_ptr context) override;

private:
  runtime::asker& ask_;
  api_front& front_;
  parts parts_;
};

} // namespace holdfast::api
