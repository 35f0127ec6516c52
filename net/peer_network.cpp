#include "net/peer_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>

namespace holdfast::net {

using asio::redirect_error;
using asio::use_awaitable;

std::string_view to_string(dial_trouble trouble) {
  switch (trouble) {
  case dial_trouble::refused:
    return "refused";
  case dial_trouble::timeout:
    return "timeout";
  case dial_trouble::network:
    return "network";
  case dial_trouble::tls:
    return "tls";
  case dial_trouble::hello:
    return "hello";
  }
  return "unknown";
}

void tune_socket(tcp::socket& socket, const peer_limits& limits) {
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  const auto fd = socket.native_handle();
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  const auto silence = static_cast<int>(limits.silence_time.count());
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, silence / 2000));
  set(IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, silence);
}

peer_network::state::state(asio::any_io_executor ex, peer_settings own, peer_credentials credentials,
                           peer_observer& watcher)
    : executor(std::move(ex)), settings(std::move(own)), context(make_peer_context(credentials)),
      observer(&watcher), quiet(settings.limits.log_interval), jitter(std::random_device{}()) {}

peer_hello peer_network::state::own_hello(link_purpose purpose, const std::string& receiver) const {
  peer_hello hello;
  hello.protocol = settings.protocol;
  hello.oldest_protocol = settings.oldest_protocol;
  hello.purpose = purpose;
  hello.cluster_id = settings.cluster_id;
  hello.sender = settings.node_id;
  hello.receiver = receiver;
  return hello;
}

std::optional<std::string> peer_network::state::objection(const std::string& peer_id,
                                                          link_purpose purpose) const {
  if (!policy)
    return std::nullopt;
  try {
    return policy(peer_id, purpose);
  } catch (const std::exception& error) {
    return std::string("the admission policy failed: ") + error.what();
  }
}

void peer_network::state::log_trouble(const std::string& subject, msg::log_line line) {
  const auto held = quiet.allow(subject, std::chrono::steady_clock::now());
  stats.log_lines_held = quiet.held_in_all();
  if (held)
    spdlog::warn("{}", line.with("held_back", *held).str());
}

net_address peer_network::state::listen() {
  auto& acceptor = acceptors.emplace_back(executor);
  try {
    const auto at = to_endpoint(settings.own);
    acceptor.open(at.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(at);
    acceptor.listen(128);
  } catch (const boost::system::system_error& error) {
    acceptors.pop_back();
    throw std::runtime_error("cannot listen for peers on " + settings.own.text() + ": " +
                             error.code().message());
  }
  asio::co_spawn(executor, accept_loop(acceptor), asio::detached);
  return from_endpoint(acceptor.local_endpoint());
}

asio::awaitable<void> peer_network::state::accept_loop(tcp::acceptor& acceptor) {
  const auto self = shared_from_this();
  asio::steady_timer pause(executor);
  while (!dead()) {
    error_code ec;
    auto socket = co_await acceptor.async_accept(redirect_error(use_awaitable, ec));
    if (dead() || ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor)
      co_return;
    if (!ec) {
      if (incoming < settings.limits.max_incoming)
        asio::co_spawn(executor, receive(std::move(socket)), asio::detached);
      else
        log_trouble("incoming", msg::log_line("peer_too_many_links")
                                    .with("remote", from_endpoint(socket.remote_endpoint(ec)).text()));
      continue;
    }
    if (ec == asio::error::connection_aborted)
      continue;
    log_trouble("accept", msg::log_line("peer_accept_failed").with("text", ec.message()));
    pause.expires_after(std::chrono::milliseconds{100});
    co_await pause.async_wait(redirect_error(use_awaitable, ec));
  }
}

asio::awaitable<void> peer_network::state::receive(tcp::socket socket) {
  const auto self = shared_from_this();
  const auto session = std::make_shared<peer_session>(self, std::move(socket), std::nullopt);
  sessions.push_back(session);
  ++stats.accepted;
  const auto result = co_await session->welcome();
  if (result.up && !dead()) {
    // A peer that calls again has lost its old link, whatever this end still believes.
    for (const auto& weak : sessions)
      if (const auto other = weak.lock(); other && other != session && other->up() && !other->dialled() &&
                                          other->purpose() == session->purpose() &&
                                          other->purpose() != link_purpose::bulk &&
                                          other->peer_id() == session->peer_id())
        other->close("replaced by a newer link");
    co_await session->run();
  } else if (!dead()) {
    ++(result.trouble != dial_trouble::hello ? stats.handshakes_refused : stats.hellos_refused);
    const auto remote = session->remote();
    log_trouble("from " + remote.ip,
                msg::log_line("peer_refused").with("remote", remote.text()).with("reason", result.why));
  }
  std::erase_if(sessions, [&](const auto& weak) { return weak.expired() || weak.lock() == session; });
}

peer_network::peer_network(asio::any_io_executor executor, peer_settings settings,
                           peer_credentials credentials, peer_observer& observer)
    : state_(std::make_shared<state>(std::move(executor), std::move(settings), std::move(credentials),
                                     observer)) {}

peer_network::~peer_network() {
  state_->observer = nullptr;
  error_code ec;
  for (auto& acceptor : state_->acceptors)
    acceptor.close(ec);
  const auto sessions = state_->sessions;
  for (const auto& weak : sessions)
    if (const auto session = weak.lock())
      session->close("this node is stopping");
}

net_address peer_network::listen() {
  return state_->listen();
}

void peer_network::set_credentials(peer_credentials credentials) {
  state_->context = make_peer_context(credentials);
}

void peer_network::set_admission(admission policy) {
  state_->policy = std::move(policy);
}

void peer_network::close_links(const std::function<bool(const peer_link&)>& pick, std::string_view reason) {
  const auto sessions = state_->sessions;
  for (const auto& weak : sessions)
    if (const auto session = weak.lock(); session && session->up() && pick(*session))
      session->close(reason);
}

peer_stats peer_network::stats() const {
  return state_->stats;
}

} // namespace holdfast::net
