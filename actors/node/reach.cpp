#include "actors/node/reach.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <string_view>

namespace holdfast::node {

namespace {

using namespace std::chrono_literals;

constexpr auto reach_limit = 3s;

/// Ends the wait at the first outcome of a dial.
class trial final : public net::peer_observer {
public:
  explicit trial(const boost::asio::any_io_executor& executor) : done(executor) {}

  void on_link_up(const net::peer_link_ptr&) override { settle({}); }
  void on_frame(net::peer_link&, const net::peer_frame&) override {}
  void on_link_down(net::peer_link&, std::string_view) override {}
  void on_dial_failed(const std::string&, net::link_purpose, net::dial_trouble trouble,
                      const std::string& message) override {
    // It judged this node's hello, so both handshakes are through; who is a member is not asked here.
    const bool judged = trouble == net::dial_trouble::hello &&
                        message.starts_with(net::to_string(net::hello_verdict::not_admitted));
    settle(judged ? std::string() : message);
  }

  boost::asio::steady_timer done;
  std::optional<std::string> outcome;

private:
  void settle(std::string what) {
    if (!outcome)
      outcome = std::move(what);
    done.cancel();
  }
};

} // namespace

class reach_door::observer final : public net::peer_observer {
public:
  void on_link_up(const net::peer_link_ptr&) override {}
  void on_frame(net::peer_link&, const net::peer_frame&) override {}
  void on_link_down(net::peer_link&, std::string_view) override {}
  void on_dial_failed(const std::string&, net::link_purpose, net::dial_trouble, const std::string&) override {
  }
};

reach_door::reach_door(const boost::asio::any_io_executor& executor, const net::peer_settings& settings,
                       const net::peer_credentials& credentials)
    : observer_(std::make_unique<observer>()),
      network_(std::make_unique<net::peer_network>(executor, settings, credentials, *observer_)) {
  network_->listen();
}

reach_door::~reach_door() = default;

boost::asio::awaitable<std::string> try_reach(boost::asio::any_io_executor executor,
                                              const net::peer_settings& settings,
                                              const net::peer_credentials& credentials,
                                              const std::string& peer, const net::net_address& where) {
  trial watch(executor);
  watch.done.expires_after(reach_limit);
  net::peer_network network(executor, settings, credentials, watch);
  const auto dialler = network.dial(peer, where, net::link_purpose::watch);
  boost::system::error_code cut_short;
  co_await watch.done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cut_short));
  co_return watch.outcome.value_or("no answer within " + std::to_string(reach_limit.count()) + " s");
}

} // namespace holdfast::node
