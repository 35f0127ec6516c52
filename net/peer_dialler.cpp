#include "net/dial_map.hpp"
#include "net/peer_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace holdfast::net {

using asio::redirect_error;
using asio::use_awaitable;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

struct attempt_result {
  std::shared_ptr<peer_session> session; ///< when it came up
  dial_trouble trouble = dial_trouble::network;
  std::string message;
};

/// Shared by the handle the user owns and the coroutine that dials.
struct dial_job : std::enable_shared_from_this<dial_job> {
  dial_job(std::shared_ptr<peer_network::state> owner, std::string id, net_address at, link_purpose why)
      : net(std::move(owner)), peer_id(std::move(id)), where(std::move(at)), purpose(why),
        wait(net->executor) {}

  std::shared_ptr<peer_network::state> net;
  std::string peer_id;
  net_address where;
  link_purpose purpose;
  asio::steady_timer wait; ///< back-off
  std::shared_ptr<tcp::socket> connecting;
  std::weak_ptr<peer_session> session;
  bool stopped = false;
  unsigned failures = 0;

  [[nodiscard]] bool over() const { return stopped || net->dead(); }
  asio::awaitable<void> loop();
  asio::awaitable<attempt_result> attempt();
  asio::awaitable<error_code> connect(tcp::socket& socket, std::shared_ptr<bool> late);
  [[nodiscard]] milliseconds pause();
  void stop();
};

/// Doubles from backoff_first to backoff_max, spread over half to one and a half of that.
milliseconds dial_job::pause() {
  const auto& limits = net->settings.limits;
  auto base = limits.backoff_first;
  for (unsigned i = 1; i < failures && base < limits.backoff_max; ++i)
    base *= 2;
  base = std::min(base, limits.backoff_max);
  std::uniform_int_distribution<milliseconds::rep> spread(base.count() / 2, base.count() * 3 / 2);
  return milliseconds{spread(net->jitter)};
}

asio::awaitable<error_code> dial_job::connect(tcp::socket& socket, std::shared_ptr<bool> late) {
  error_code ec;
  const auto target = to_endpoint(dial_target(where));
  socket.open(target.protocol(), ec);
  // Leave the choice of the port to connect(): a port taken at bind() could not be shared between two
  // targets.
  const int yes = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (!ec)
    socket.bind(to_endpoint({net->settings.own.ip, 0}), ec);
  if (ec)
    co_return ec;
  asio::steady_timer deadline(net->executor, net->settings.limits.connect_time);
  const auto watched = connecting;
  deadline.async_wait([watched, late](const error_code& cancelled) {
    if (cancelled)
      return;
    *late = true;
    error_code ignored;
    watched->close(ignored);
  });
  co_await socket.async_connect(target, redirect_error(use_awaitable, ec));
  deadline.cancel();
  co_return ec;
}

asio::awaitable<attempt_result> dial_job::attempt() {
  attempt_result result;
  ++net->stats.dials;
  connecting = std::make_shared<tcp::socket>(net->executor);
  const auto socket = connecting;
  const auto late = std::make_shared<bool>(false);
  const auto ec = co_await connect(*socket, late);
  connecting.reset();
  if (ec || over()) {
    result.trouble = *late                                   ? dial_trouble::timeout
                     : ec == asio::error::connection_refused ? dial_trouble::refused
                     : ec == asio::error::timed_out          ? dial_trouble::timeout
                                                             : dial_trouble::network;
    result.message = *late ? "no answer to the TCP connect in time" : ec.message();
    co_return result;
  }
  const auto fresh = std::make_shared<peer_session>(net, std::move(*socket), where);
  session = fresh;
  net->sessions.push_back(fresh);
  const auto greeted = co_await fresh->greet(peer_id, purpose);
  if (greeted.up) {
    result.session = fresh;
    co_return result;
  }
  std::erase_if(net->sessions, [&](const auto& weak) { return weak.expired() || weak.lock() == fresh; });
  result.trouble = greeted.trouble;
  result.message = greeted.why;
  co_return result;
}

asio::awaitable<void> dial_job::loop() {
  const auto self = shared_from_this();
  co_await asio::post(net->executor, use_awaitable); // never call the observer from inside dial()
  while (!over()) {
    const auto result = co_await attempt();
    if (over())
      break;
    if (result.session) {
      const auto since = steady_clock::now();
      co_await result.session->run();
      std::erase_if(net->sessions,
                    [&](const auto& weak) { return weak.expired() || weak.lock() == result.session; });
      if (steady_clock::now() - since >= settled_life) {
        failures = 0;
        continue;
      }
      // The first redial after a loss is immediate in any case; only a series of short lives is slowed down.
      if (++failures == 1)
        continue;
    } else {
      ++failures;
      ++net->stats.dials_failed;
      net->log_trouble(trouble_subject(peer_id, purpose), msg::log_line("peer_dial_failed")
                                                              .with("peer", peer_id)
                                                              .with("purpose", to_string(purpose))
                                                              .with("remote", where.text())
                                                              .with("trouble", to_string(result.trouble))
                                                              .with("reason", result.message));
      net->observer->on_dial_failed(peer_id, purpose, result.trouble, result.message);
    }
    if (over())
      break;
    error_code ignored;
    wait.expires_after(pause());
    co_await wait.async_wait(redirect_error(use_awaitable, ignored));
  }
  if (const auto live = session.lock())
    live->close("no longer wanted");
}

void dial_job::stop() {
  stopped = true;
  wait.cancel();
  error_code ec;
  if (connecting)
    connecting->close(ec);
  if (const auto live = session.lock())
    live->close("no longer wanted");
}

class dialler_handle final : public peer_dialler {
public:
  explicit dialler_handle(std::shared_ptr<dial_job> job) : job_(std::move(job)) {}
  ~dialler_handle() override { job_->stop(); }
  [[nodiscard]] peer_link_ptr link() const override {
    const auto live = job_->session.lock();
    return live && live->up() ? live : nullptr;
  }
  void dial_now() override {
    job_->failures = 0;
    job_->wait.cancel();
  }

private:
  std::shared_ptr<dial_job> job_;
};

} // namespace

std::unique_ptr<peer_dialler> peer_network::dial(const std::string& peer_id, const net_address& where,
                                                 link_purpose purpose) {
  auto job = std::make_shared<dial_job>(state_, peer_id, where, purpose);
  asio::co_spawn(state_->executor, job->loop(), asio::detached);
  return std::make_unique<dialler_handle>(std::move(job));
}

} // namespace holdfast::net
