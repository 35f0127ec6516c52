#include "daemon.hpp"

#include "actors/node/base_root.hpp"
#include "actors/node/ha_state_store.hpp"
#include "actors/node/host_facts.hpp"
#include "actors/node/instance_lock.hpp"
#include "actors/node/service_notify.hpp"
#include "consensus_group.hpp"
#include "fatal_exit.hpp"
#include "messages/log_line.hpp"
#include "net/api_certificate.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "runtime/actor_host.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <spdlog/spdlog.h>

#include <csignal>
#include <future>
#include <thread>

namespace holdfast::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto drain_limit = 3s;
constexpr auto end_limit = 10s;

int refuse(msg::exit_code code, std::string_view what) {
  spdlog::critical("{}", msg::log_line("start_refused").with("reason", what).str());
  return static_cast<int>(code);
}

/// What a start has settled before any thread exists.
struct prepared {
  node::base_layout layout;
  node::instance_lock lock;
  msg::ha_state state;
  node::host_facts host;
  net::pem_pair certificate;
};

/// Fills `out`, or returns the exit code of a start that is refused.
std::optional<int> prepare(const node::settings& settings, prepared& out) {
  out.layout = node::layout_of(settings);
  if (auto error = node::create_layout(out.layout); !error.empty())
    return refuse(msg::exit_code::failed, error);
  std::string locked;
  out.lock = node::instance_lock::take(out.layout.root, locked);
  if (!out.lock.held())
    return refuse(msg::exit_code::locked, locked);
  if (out.lock.copied())
    spdlog::warn("{}", msg::log_line("base_root_copied").with("root", out.layout.root).str());

  const auto stored = replay::read_identity(wal::posix_file_system(), out.layout.raft);
  if (!stored.error.empty())
    return refuse(msg::exit_code::state_damaged, stored.error);
  out.host = node::host_facts::collect();
  node::ha_state_store store(node::real_files(), out.layout.root);
  auto loaded = store.load(settings, out.host, {stored.node_id, false}, node::random_uuid);
  for (const auto& warning : loaded.warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  if (loaded.how == node::ha_state_load::outcome::refused)
    return refuse(msg::exit_code::state_damaged, loaded.refusal);
  out.state = std::move(loaded.state);
  out.certificate = net::load_or_make_api_certificate(settings.tls_cert_path(), settings.tls_key_path());
  return std::nullopt;
}

raft::limits limits_from(const node::settings& settings) {
  raft::limits limits;
  limits.heartbeat_interval = settings.heartbeat;
  limits.election_timeout_min = settings.election_timeout;
  limits.election_timeout_max = settings.election_timeout * 2;
  limits.lease_length = settings.lease;
  return limits;
}

consensus_setup setup_from(const node::settings& settings, const prepared& with) {
  consensus_setup setup;
  const auto limits = limits_from(settings);
  setup.disk.fs = &wal::posix_file_system();
  setup.disk.where = {with.layout.wal, with.layout.raft};
  setup.disk.first.self = raft::parse_node_id(with.state.consensus_id).value_or(raft::node_id{});
  setup.disk.first.cluster = raft::parse_cluster_id(node::random_uuid()).value_or(raft::cluster_id{});
  setup.disk.limits = limits;
  setup.disk.fatal = exit_fatally;
  setup.consensus.limits = limits;
  setup.consensus.observer = with.state.observer;
  setup.consensus.fatal = exit_fatally;
  setup.replay.fatal = exit_fatally;
  setup.replay.feed = std::make_shared<replay::change_feed>();
  return setup;
}

void log_caf_text(caf::actor_id who, const std::string& text) {
  spdlog::error("{}", msg::log_line("actor_text").with("actor", who).with("text", text).str());
}

/// Everything that lives while the daemon serves, in the order in which it may go.
class service {
public:
  service(const node::settings& settings, const prepared& with);
  int serve();

private:
  void feed_watchdog();
  boost::asio::awaitable<void> trial(std::shared_ptr<net::http_exchange> exchange);

  const node::settings& settings_;
  net::event_loop loop_;
  runtime::actor_host host_;
  runtime::directory_ptr directory_ = std::make_shared<runtime::actor_directory>();
  consensus_group group_;
  caf::actor root_;
  boost::asio::steady_timer watchdog_;
  net::http_server server_;
  std::promise<int> ending_; ///< the signal
};

service::service(const node::settings& settings, const prepared& with)
    : settings_(settings), host_(loop_.context(), log_caf_text),
      group_(host_.system(), directory_, setup_from(settings, with)), watchdog_(loop_.context()),
      server_(loop_.context().get_executor(),
              std::make_shared<net::tls_slot>(net::make_api_context(with.certificate)),
              [this](std::shared_ptr<net::http_exchange> exchange) { return trial(std::move(exchange)); }) {
  node::supervisor_config config;
  config.directory = directory_;
  config.groups.push_back(group_.as_child());
  config.verdict = [consensus = group_.consensus()](bool healthy, const std::string& reason) {
    caf::anon_send(consensus, msg::health_atom::value, healthy, reason);
  };
  root_ = caf::actor_cast<caf::actor>(
      host_.system().spawn<node::supervisor_impl>(directory_->open("node", ""), std::move(config)));
}

boost::asio::awaitable<void> service::trial(std::shared_ptr<net::http_exchange> exchange) {
  const auto& head = exchange->head();
  net::http_response response;
  if (head.method == net::http_method::put || head.method == net::http_method::post) {
    auto body = co_await exchange->read_body(1 << 20);
    if (!body)
      co_return;
    auto transaction = std::make_shared<msg::transaction>();
    transaction->principal = "trial";
    transaction->mutations.push_back({"trial", head.path, std::move(*body)});
    auto answer = co_await host_.ask().ask(group_.replay(), 10s, msg::write_atom::value,
                                           msg::transaction_ptr(std::move(transaction)));
    if (!answer || answer.value->status != msg::write_status::applied) {
      response.status = 503;
      response.body = answer ? answer.value->reason : answer.error;
    } else {
      response.body = std::to_string(answer.value->index);
    }
  } else {
    auto answer =
        co_await host_.ask().ask(group_.replay(), 10s, msg::read_atom::value, msg::consistency::linear);
    auto object = answer && answer.value->view ? answer.value->view->get("trial", head.path) : nullptr;
    response.status = object ? 200 : 404;
    if (object)
      response.body = object->json;
    else if (answer)
      response.body = answer.value->reason;
  }
  co_await exchange->respond(std::move(response));
}

void service::feed_watchdog() {
  const auto interval = node::watchdog_interval();
  if (!interval)
    return;
  node::notify_watchdog();
  watchdog_.expires_after(*interval / 2);
  watchdog_.async_wait([this](const boost::system::error_code& failed) {
    if (!failed)
      feed_watchdog();
  });
}

int service::serve() {
  loop_.on_signals({SIGTERM, SIGINT}, [this, first = true](int number) mutable {
    if (std::exchange(first, false))
      ending_.set_value(number);
  });
  const auto address = settings_.listen_address();
  const auto bound = server_.listen({address.empty() ? "::" : address, settings_.api_port});
  std::thread loop_thread([this] {
    net::name_this_thread("loop");
    host_.bind_loop_thread();
    feed_watchdog();
    loop_.run();
  });
  spdlog::info("{}", msg::log_line("serving").with("api", bound.text()).str());
  node::notify_ready();

  const int signal = ending_.get_future().get();
  spdlog::info("{}", msg::log_line("stopping").with("signal", signal).str());
  node::notify_stopping();
  boost::asio::co_spawn(loop_.context(), server_.stop(drain_limit), boost::asio::use_future).wait();
  const bool clean = host_.end_actors(root_, end_limit);
  loop_.stop();
  loop_thread.join();
  if (!clean) {
    exit_fatally({msg::exit_code::crashed, "some actors did not end in time",
                  "nothing acknowledged is lost; start again, and report this"});
  }
  root_ = nullptr;
  spdlog::info("{}", msg::log_line("stopped").str());
  return static_cast<int>(msg::exit_code::clean);
}

} // namespace

int run_daemon(const node::settings& settings, const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  prepared with;
  if (const auto code = prepare(settings, with))
    return *code;
  service running(settings, with);
  return running.serve();
}

} // namespace holdfast::daemon
