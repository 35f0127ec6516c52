#include "service.hpp"

#include "actors/node/ha_state_store.hpp"
#include "actors/node/log_aside.hpp"
#include "actors/node/service_notify.hpp"
#include "fatal_exit.hpp"
#include "messages/log_line.hpp"
#include "net/signature.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <thread>

namespace holdfast::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto hand_over_limit = 2s;
constexpr auto drain_limit = 3s;
constexpr auto end_limit = 10s;
/// A node that handed over passes requests on for so long: until everybody has heard who is active now, a
/// connection that closes would cost somebody a request.
constexpr auto farewell = 300ms;

raft::limits limits_from(const node::settings& settings) {
  raft::limits limits;
  limits.heartbeat_interval = settings.heartbeat;
  limits.election_timeout_min = settings.election_timeout;
  limits.election_timeout_max = settings.election_timeout * 2;
  limits.lease_length = settings.lease;
  limits.log_memory_bytes = {2U << 20U}; // beyond, followers are served from the disk's cache
  // A piece is read by the log's writer, encrypted by the event loop and synced by whoever gets it, in one go
  // each: writes wait behind it. So few are under way at once, and bulk_pace says how soon the next one goes.
  constexpr raft::byte_count piece{256U << 10U};
  limits.snapshot_chunk_bytes = piece;
  limits.max_disk_read_bytes = piece;
  limits.max_append_bytes = piece;
  limits.max_inflight_bytes = {2U << 20U};
  return limits;
}

/// What an unprivileged process may still write there; plenty when nobody can tell.
std::uint64_t free_bytes_of(const std::string& directory) {
  std::error_code failed;
  const auto space = std::filesystem::space(directory, failed);
  return failed ? std::numeric_limits<std::uint64_t>::max() : space.available;
}

/// Only what others hold too may be given up here; a node that stands alone, or never saw another voting
/// member, stops and says so.
replay::log_writer_config::aside set_aside(const std::string& root, const std::string& wal) {
  replay::log_writer_config::aside out;
  if (node::load_seeds(node::real_files(), root).empty()) {
    out.text = "no other member is known to hold it";
    return out;
  }
  const auto error = node::set_log_aside(wal, out.text);
  out.done = error.empty();
  if (!out.done)
    out.text = error;
  return out;
}

consensus_setup setup_from(const node::settings& settings, const prepared& with,
                           std::shared_ptr<replay::change_feed> feed, msg::state_verdict_ptr verdict) {
  consensus_setup setup;
  const auto limits = limits_from(settings);
  setup.disk.fs = &wal::posix_file_system();
  setup.disk.where = {with.layout.wal, with.layout.raft};
  setup.disk.first.self = raft::parse_node_id(with.raft_id).value_or(raft::node_id{});
  setup.disk.first.cluster = raft::parse_cluster_id(node::random_uuid()).value_or(raft::cluster_id{});
  if (with.join) { // its old log is in the backup: an empty disk waits for the cluster, and founds none
                   // (ENR-11)
    setup.disk.first.cluster = raft::parse_cluster_id(with.join->cluster_id).value_or(raft::cluster_id{});
    setup.disk.first.founder = false;
  }
  setup.disk.limits = limits;
  setup.disk.free_bytes = [wal = with.layout.wal] { return free_bytes_of(wal); };
  setup.disk.fatal = exit_fatally;
  setup.disk.set_aside = [root = with.layout.root, wal = with.layout.wal] { return set_aside(root, wal); };
  setup.consensus.limits = limits;
  setup.consensus.observer = with.state.observer;
  setup.consensus.fatal = exit_fatally;
  setup.replay.fatal = exit_fatally;
  setup.replay.feed = std::move(feed);
  setup.replay.compaction.floor_bytes = settings.log_limit;
  setup.replay.verdict = std::move(verdict);
  return setup;
}

void log_caf_text(caf::actor_id who, const std::string& text) {
  spdlog::error("{}", msg::log_line("actor_text").with("actor", who).with("text", text).str());
}

msg::log_time wall_clock() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

api::node_facts facts_of(const node::settings& settings, const node::host_facts& host) {
  api::node_facts facts;
  facts.id = settings.drp_id.empty() ? host.lowest_mac() : settings.drp_id;
  facts.local_id = host.local_id();
  facts.address = settings.static_ip.empty() ? host.first_address() : settings.static_ip;
  facts.hostname = host.hostname;
  facts.api_port = settings.api_port;
  return facts;
}

} // namespace

service::service(const node::settings& settings, const prepared& with, vip::guard_handle guard)
    : settings_(settings), with_(with), host_(loop_.context(), log_caf_text),
      group_(host_.system(), directory_, setup_from(settings, with, feed_, verdict_)), links_(host_.system()),
      cluster_(host_.system()), vip_(host_.system()), watchers_(host_.system()),
      guard_(std::make_shared<vip::guard_link>(loop_.context().get_executor(), std::move(guard))),
      watchdog_(loop_.context()) {
  spdlog::default_logger()->sinks().push_back(ring_);
  net::http_server_options options;
  options.make_error = api::server_error;
  front_ = std::make_shared<api::api_front>(
      loop_.context().get_executor(),
      std::make_shared<net::tls_slot>(net::make_api_context(with.certificate, cluster_tls_)),
      std::move(options));
  const auto address = settings.listen_address();
  const auto bound = front_->listen({address.empty() ? "::" : address, settings.api_port});
  spdlog::info("{}", msg::log_line("listening").with("api", bound.text()).str());
  start_root();
}

void service::start_root() {
  node::supervisor_config config;
  config.directory = directory_;
  config.groups.push_back(group_.as_child());
  desk_ = make_desk();
  group_.set_observer(caf::actor_cast<caf::strong_actor_ptr>(cluster_.handle()));
  group_.set_vip(vip_.handle());
  guard_->start();
  config.groups.push_back(links_child());
  config.groups.push_back(vip_child());
  config.groups.push_back(cluster_child());
  config.groups.push_back(api_child());
  config.verdict = [consensus = group_.consensus()](bool healthy, const std::string& reason) {
    caf::anon_send(consensus, msg::health_atom::value, healthy, reason);
  };
  root_ = host_.system().spawn<node::supervisor_impl>(directory_->open("node", ""), std::move(config));

  api::actor_node_port::parts parts;
  parts.facts = facts_of(settings_, with_.host);
  parts.replay = group_.replay();
  parts.node = root_;
  parts.cluster = cluster_.handle();
  parts.vip = vip_.handle();
  parts.present = [desk = desk_](msg::consensus_status raw) { return desk->present(std::move(raw)); };
  parts.cluster_tls = cluster_tls_;
  parts.ha_state = [desk = desk_] { return desk->state(); };
  parts.license = [desk = desk_](const msg::object_view& view) { return desk->license(view); };
  parts.log_writer = group_.log_writer();
  parts.files = {settings_.tls_cert_path(), settings_.tls_key_path()};
  parts.certificate = with_.certificate;
  port_ = std::make_shared<api::actor_node_port>(host_.ask(), *front_, std::move(parts));
  desk_->set_node(root_);
}

node::child_group service::api_child() {
  node::child_group child;
  child.name = "api";
  child.members = {"api"};
  child.critical = true;
  child.start = [this] {
    api::api_config config;
    config.front = front_;
    config.replay = group_.replay();
    config.make_parts = [this] { return make_parts(); };
    auto api = host_.system().spawn<api::api_impl>(directory_->open("api", "node"), std::move(config));
    // Here and not only by its own message, which is lost while replay is being restarted.
    feed_->subscribe(api.address());
    watchers_.aim(api);
    return std::vector<caf::actor>{caf::actor_cast<caf::actor>(api)};
  };
  child.stopped = [this] { watchers_.aim(nullptr); };
  return child;
}

std::shared_ptr<node::cluster_desk> service::make_desk() {
  node::desk_config config;
  config.executor = loop_.context().get_executor();
  config.ask = &host_.ask();
  config.replay = group_.replay();
  config.judged_replay =
      caf::actor_cast<msg::replay_group_actor>(caf::actor_cast<caf::strong_actor_ptr>(group_.replay()));
  config.consensus = group_.consensus();
  config.links = links_.handle();
  config.log_writer = group_.log_writer();
  config.vip = vip_.handle();
  config.plan_next_life = [this](node::group_plan plan) { group_.plan_next_life(std::move(plan)); };
  config.forget_feed = [feed = feed_] { feed->told.reset(); };
  config.cluster_tls = cluster_tls_;
  config.standing = standing_;
  config.api_fingerprint = [this] { return net::pem_fingerprint(port_->certificate().cert); };
  config.base_root = with_.layout.root;
  config.drp_id = settings_.drp_id.empty() ? with_.host.lowest_mac() : settings_.drp_id;
  config.hostname = with_.host.hostname;
  config.api_port = settings_.api_port;
  config.limits = limits_from(settings_);
  config.host = with_.host;
  config.state = with_.state;
  config.join = with_.join;
  config.incarnation = with_.incarnation;
  config.verdict = verdict_;
  config.wal = with_.layout.wal;
  config.seeds = node::load_seeds(node::real_files(), with_.layout.root);
  config.repairs = node::load_state_repairs(node::real_files(), with_.layout.root);
  config.issuer = with_.issuer;
  return std::make_shared<node::cluster_desk>(std::move(config));
}

node::child_group service::links_child() {
  node::child_group child;
  child.name = "links";
  child.members = {"links"};
  child.critical = true;
  child.start = [this] {
    peer::links_config config{loop_.context().get_executor(), directory_, group_.consensus(), vip_.handle(),
                              limits_from(settings_)};
    const auto made =
        host_.system().spawn<peer::links_impl>(directory_->open("links", "node"), std::move(config));
    links_.aim(made);
    desk_->on_links_started();
    return std::vector<caf::actor>{caf::actor_cast<caf::actor>(made)};
  };
  child.stopped = [this] { links_.aim(nullptr); };
  return child;
}

node::child_group service::cluster_child() {
  node::child_group child;
  child.name = "cluster";
  child.members = {"cluster"};
  child.start = [this] {
    const auto made = host_.system().spawn<node::cluster_impl>(directory_->open("cluster", "node"),
                                                               loop_.context().get_executor(), desk_);
    cluster_.aim(made);
    feed_->subscribe(made.address());
    return std::vector<caf::actor>{caf::actor_cast<caf::actor>(made)};
  };
  child.stopped = [this] { cluster_.aim(nullptr); };
  return child;
}

node::child_group service::vip_child() {
  node::child_group child;
  child.name = "vip";
  child.members = {"vip"};
  child.critical = true;
  child.start = [this] {
    vip::vip_config config;
    config.executor = loop_.context().get_executor();
    config.guard = guard_;
    config.consensus =
        caf::actor_cast<msg::lease_source_actor>(caf::actor_cast<caf::strong_actor_ptr>(group_.consensus()));
    config.links =
        caf::actor_cast<msg::digest_links_actor>(caf::actor_cast<caf::strong_actor_ptr>(links_.handle()));
    config.watchers = watchers_.handle();
    const auto made = host_.system().spawn<vip::vip_impl>(directory_->open("vip", "node"), std::move(config));
    vip_.aim(made);
    desk_->on_vip_started();
    return std::vector<caf::actor>{caf::actor_cast<caf::actor>(made)};
  };
  child.stopped = [this] { vip_.aim(nullptr); };
  return child;
}

api::room_parts service::make_parts() {
  api::room_parts parts;
  parts.store = std::make_shared<api::replay_gateway>(host_.ask(), group_.replay(), feed_->local_view);
  parts.node = port_;
  parts.now = wall_clock;
  parts.ring = ring_;
  parts.life = rooms_;
  parts.forwarding.standing = standing_;
  parts.forwarding.patience = settings_.election_timeout * 4; // twice the longest one
  return parts;
}

void service::feed_watchdog() {
  const auto interval = node::watchdog_interval();
  if (!interval)
    return;
  node::notify_watchdog(); // from the loop itself: what hangs it also stops this
  watchdog_.expires_after(*interval / 2);
  watchdog_.async_wait([this](const boost::system::error_code& failed) {
    if (!failed)
      feed_watchdog();
  });
}

void service::serve() {
  std::signal(SIGPIPE, SIG_IGN);
  loop_.on_signals({SIGTERM, SIGINT}, [this, first = true](int number) mutable {
    if (std::exchange(first, false))
      ending_.set_value(number);
  });
  std::thread loop_thread([this] {
    net::name_this_thread("loop");
    host_.bind_loop_thread();
    feed_watchdog();
    loop_.run();
  });
  node::notify_ready();
  const int signal = ending_.get_future().get();
  spdlog::info("{}", msg::log_line("stopping").with("signal", signal).str());
  node::notify_stopping();
  end(loop_thread);
}

// A leader that goes on purpose names its successor first, so that the others need not wait for its silence.
boost::asio::awaitable<void> service::hand_over() {
  const auto status = co_await host_.ask().ask(group_.replay(), 500ms, msg::status_atom::value);
  if (!status || status.value->role != "leader" || status.value->members.size() < 2)
    co_return;
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(hand_over_limit);
  const auto done = co_await host_.ask().ask(group_.consensus(), limit, msg::transfer_atom::value,
                                             raft::node_id{}, static_cast<std::uint64_t>(limit.count()));
  if (!done || !done.value->done) {
    spdlog::warn(
        "{}", msg::log_line("hand_over_failed").with("reason", done ? done.value->reason : done.error).str());
    co_return;
  }
  boost::asio::steady_timer timer(loop_.context(), farewell);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

// A room's last errand may wait for the worker that hashes passwords; it must come back while its loop runs,
// for what it holds must go before the actor system does.
void service::wait_for_rooms() {
  const auto deadline = std::chrono::steady_clock::now() + end_limit;
  while (rooms_.use_count() > 1 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
}

/// TRB-04: nothing of ours stays on the interface.
boost::asio::awaitable<void> service::take_address_off() {
  const auto off = co_await host_.ask().ask(vip_.handle(), 1s, msg::release_atom::value, true);
  if (!off || !*off.value)
    spdlog::warn("{}", msg::log_line("vip_not_confirmed_off").with("reason", off.error).str());
}

void service::end(std::thread& loop_thread) {
  boost::asio::co_spawn(loop_.context(), hand_over(), boost::asio::use_future).wait();
  boost::asio::co_spawn(loop_.context(), take_address_off(), boost::asio::use_future).wait();
  boost::asio::co_spawn(loop_.context(), front_->stop(drain_limit), boost::asio::use_future).wait();
  const bool clean = host_.end_actors(caf::actor_cast<caf::actor>(root_), end_limit);
  wait_for_rooms();
  const bool at_rest =
      boost::asio::co_spawn(loop_.context(), desk_->finish(drain_limit), boost::asio::use_future).get();
  loop_.stop();
  loop_thread.join();
  if (!clean) {
    exit_fatally({msg::exit_code::crashed, "some actors did not end in time",
                  "nothing acknowledged is lost; start again, and report this"});
  }
  desk_->close();
  guard_->close();
  if (!at_rest) { // it waits for the disk with references into the loop and the actor system; they stay whole
    spdlog::warn("{}", msg::log_line("stopped")
                           .with("unfinished", "a file of this node is still being written")
                           .with("advice", "nothing acknowledged is lost; look at the disk")
                           .str());
    spdlog::default_logger()->flush();
    std::_Exit(static_cast<int>(msg::exit_code::clean));
  }
  port_.reset();
  desk_.reset();
  root_ = nullptr;
  spdlog::info("{}", msg::log_line("stopped").str());
}

} // namespace holdfast::daemon
