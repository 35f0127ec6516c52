#include "net/http_server.hpp"

#include "messages/log_line.hpp"
#include "net/http_connection.hpp"
#include "net/websocket_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>

namespace holdfast::net {

using asio::redirect_error;
using asio::use_awaitable;
using std::chrono::steady_clock;

namespace {

using reuse_port_option = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// Deadlines are looked at once a tick: one timer for all connections instead of one a request.
std::chrono::milliseconds tick_of(const http_limits& limits) {
  const auto shortest =
      std::min({limits.handshake_time, limits.first_byte_time, limits.header_time, limits.idle_time,
                limits.body_idle_time, limits.write_time, limits.linger_time});
  return std::clamp(shortest / 8, std::chrono::milliseconds{5}, std::chrono::milliseconds{250});
}

} // namespace

struct http_server::state : std::enable_shared_from_this<http_server::state> {
  explicit state(std::shared_ptr<http_shared> common)
      : shared(std::move(common)), sweep_timer(shared->executor), tick(tick_of(shared->limits())) {}

  std::shared_ptr<http_shared> shared;
  std::list<tcp::acceptor> acceptors;
  asio::steady_timer sweep_timer;
  std::chrono::milliseconds tick;
  steady_clock::time_point date_made{};
  bool sweeping = false;
  bool dead = false;

  void take(tcp::socket socket);
  asio::awaitable<void> accept_loop(tcp::acceptor& acceptor);
  void take_waiting();
  asio::awaitable<void> wait_for_nobody(steady_clock::time_point end);
  void start_sweep();
  void sweep();
  void cut_late();
  void refresh_clock();
  void cut_all();
  [[nodiscard]] std::size_t live_sockets() const;
};

std::size_t http_server::state::live_sockets() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(shared->sockets, [](const auto& socket) { return !socket.expired(); }));
}

void http_server::state::refresh_clock() {
  shared->now = steady_clock::now();
  if (shared->date.empty() || shared->now - date_made >= std::chrono::seconds{1}) {
    shared->date = http_date();
    date_made = shared->now;
  }
}

void http_server::state::start_sweep() {
  if (sweeping)
    return;
  refresh_clock();
  sweeping = true;
  sweep();
}

/// Runs while there are connections, so an idle server never wakes.
void http_server::state::sweep() {
  sweep_timer.expires_after(tick);
  sweep_timer.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || self->dead)
      return;
    auto& common = *self->shared;
    std::erase_if(common.sockets, [](const auto& socket) { return socket.expired(); });
    self->cut_late();
    self->sweeping = !common.open.empty() || !common.sockets.empty();
    if (self->sweeping)
      self->sweep();
  });
}

void http_server::state::cut_late() {
  refresh_clock();
  std::vector<std::shared_ptr<http_connection>> late;
  for (const auto& connection : shared->open)
    if (connection->deadline() <= shared->now)
      late.push_back(connection);
  for (const auto& connection : late) {
    ++shared->stats.timed_out;
    connection->abort();
  }
}

void http_server::state::take(tcp::socket socket) {
  auto& common = *shared;
  const auto& limits = common.limits();
  ++common.stats.accepted;
  const auto in_use = common.open.size() + live_sockets();
  const bool refuse = in_use >= limits.max_connections;
  if (refuse) {
    ++common.stats.refused;
    if (in_use >= limits.max_connections + limits.refusal_reserve)
      return;
  }
  if (common.handshaking.size() >= limits.max_handshakes)
    common.handshaking.front()->abort();
  start_sweep();
  auto connection = std::make_shared<http_connection>(shared, std::move(socket), refuse);
  connection->place = common.open.insert(common.open.end(), connection);
  asio::co_spawn(
      common.executor, connection->run(), [common_ptr = shared, connection](std::exception_ptr error) {
        if (error) {
          try {
            std::rethrow_exception(error);
          } catch (const std::exception& what) {
            spdlog::error("{}", msg::log_line("http_connection_failed").with("text", what.what()).str());
          }
        }
        connection->abort();
        if (common_ptr->orphaned)
          return;
        common_ptr->open.erase(connection->place);
        common_ptr->changed.cancel();
      });
}

asio::awaitable<void> http_server::state::accept_loop(tcp::acceptor& acceptor) {
  const auto self = shared_from_this();
  asio::steady_timer pause(shared->executor);
  while (acceptor.is_open()) {
    error_code ec;
    auto socket = co_await acceptor.async_accept(redirect_error(use_awaitable, ec));
    if (dead || ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor)
      co_return;
    if (!ec) {
      take(std::move(socket));
      continue;
    }
    if (ec == asio::error::connection_aborted)
      continue;
    // Out of descriptors or memory: the backlog keeps the callers while we breathe.
    spdlog::warn("{}", msg::log_line("http_accept_failed").with("text", ec.message()).str());
    pause.expires_after(std::chrono::milliseconds{100});
    co_await pause.async_wait(redirect_error(use_awaitable, ec));
  }
}

/// Whoever the kernel has let in already: closing the acceptor would reset them.
void http_server::state::take_waiting() {
  for (auto& acceptor : acceptors) {
    error_code ec;
    acceptor.non_blocking(true, ec);
    while (!ec) {
      tcp::socket socket(shared->executor);
      acceptor.accept(socket, ec);
      if (!ec)
        take(std::move(socket));
    }
    acceptor.close(ec);
  }
}

/// Until no connection is open, at most until `end`. The sweep is too coarse for the short times of a stop.
asio::awaitable<void> http_server::state::wait_for_nobody(steady_clock::time_point end) {
  constexpr auto step = std::chrono::milliseconds{20};
  while (!shared->open.empty() && steady_clock::now() < end) {
    shared->changed.expires_at(std::min(end, steady_clock::now() + step));
    error_code ec;
    co_await shared->changed.async_wait(redirect_error(use_awaitable, ec));
    cut_late();
  }
}

void http_server::state::cut_all() {
  const auto connections = shared->open;
  for (const auto& connection : connections)
    connection->abort();
  const auto sockets = shared->sockets;
  for (const auto& weak : sockets)
    if (const auto socket = weak.lock())
      socket->abort();
}

http_server::http_server(asio::any_io_executor executor, std::shared_ptr<tls_slot> tls, http_handler handler,
                         http_server_options options)
    : state_(std::make_shared<state>(std::make_shared<http_shared>(std::move(executor), std::move(tls),
                                                                   std::move(handler), std::move(options)))) {
}

http_server::~http_server() {
  state_->dead = true;
  state_->shared->stopping = true;
  error_code ec;
  for (auto& acceptor : state_->acceptors)
    acceptor.close(ec);
  state_->cut_all();
  // Connections own what they share with the server: let go of them, or a loop that never runs again would
  // leave the two holding each other.
  state_->shared->orphaned = true;
  state_->shared->open.clear();
  state_->sweep_timer.cancel();
}

net_address http_server::listen(const net_address& where) {
  auto& acceptor = state_->acceptors.emplace_back(state_->shared->executor);
  try {
    const auto at = to_endpoint(where);
    acceptor.open(at.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    if (state_->shared->options.reuse_port)
      acceptor.set_option(reuse_port_option(true));
    if (at.address().is_v6())
      acceptor.set_option(asio::ip::v6_only(!at.address().is_unspecified()));
    acceptor.bind(at);
    acceptor.listen(state_->shared->options.backlog);
  } catch (const boost::system::system_error& error) {
    state_->acceptors.pop_back();
    throw std::runtime_error("cannot listen on " + where.text() + ": " + error.code().message());
  }
  asio::co_spawn(state_->shared->executor, state_->accept_loop(acceptor), asio::detached);
  return from_endpoint(acceptor.local_endpoint());
}

asio::awaitable<void> http_server::stop(std::chrono::milliseconds drain) {
  const auto self = state_;
  auto& common = *self->shared;
  const auto end = steady_clock::now() + drain;
  common.stopping = true;
  self->refresh_clock();
  const auto sockets = common.sockets;
  for (const auto& weak : sockets)
    if (const auto socket = weak.lock())
      socket->close("the server is stopping");
  co_await self->wait_for_nobody(std::min(end, steady_clock::now() + common.limits().stop_grace));
  self->take_waiting();
  const auto connections = common.open;
  for (const auto& connection : connections)
    if (connection->idle())
      connection->leave();
  co_await self->wait_for_nobody(end);
  self->cut_all();
}

http_server_stats http_server::stats() const {
  auto result = state_->shared->stats;
  result.open = state_->shared->open.size();
  result.handshaking = state_->shared->handshaking.size();
  result.websockets = state_->live_sockets();
  return result;
}

} // namespace holdfast::net
