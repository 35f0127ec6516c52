#include "tools/chaos/cluster.hpp"

#include "tools/chaos/json_edit.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <csignal>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// What a further member takes over from the introduction (contract §8.3).
const std::vector<std::string> global_keys = {"LoadBalanced",  "Enabled",  "ConsensusEnabled",
                                              "ConsensusJoin", "VirtAddr", "ServerHostname",
                                              "ActiveUri",     "Token",    "HaID",
                                              "Valid",         "Roots"};

std::uint16_t free_port(const std::string& address) {
  using boost::asio::ip::tcp;
  asio::io_context io;
  const tcp::acceptor probe(io, tcp::endpoint(boost::asio::ip::make_address(address), 0));
  return probe.local_endpoint().port();
}

/// Mounts made from here on are seen by the runner and its children alone, and end with them.
void own_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    throw std::runtime_error("cannot make a mount namespace");
}

std::string ms(milliseconds time) {
  return std::to_string(time.count()) + "ms";
}

} // namespace

cluster::cluster(asio::any_io_executor executor, cluster_config config)
    : executor_(executor), config_(std::move(config)), api_(executor) {
  if (config_.spec.disk != disk_kind::plain)
    own_mounts();
  if (config_.spec.place == place_kind::namespaces) {
    network_ = std::make_unique<network>(config_.own_switch);
  } else {
    const auto pid = static_cast<unsigned>(::getpid());
    prefix_ = "127." + std::to_string(64 + pid / 250 % 128) + "." + std::to_string(1 + pid % 250) + ".";
    api_port_ = free_port(prefix_ + "1");
    do
      consensus_port_ = free_port(prefix_ + "1");
    while (consensus_port_ == api_port_);
    if (config_.link_faults)
      make_proxy();
  }
  for (unsigned i = 0; i < config_.spec.members; ++i)
    make_member(i + config_.spec.observers >= config_.spec.members);
}

cluster::~cluster() {
  for (auto& one : members_) {
    one->meddler.kill_and_wait();
    one->process.kill_and_wait();
    if (config_.spec.disk != disk_kind::plain)
      ::umount2(one->root.c_str(), MNT_DETACH);
  }
}

void cluster::make_proxy() {
  proxy_ = std::make_unique<link_proxy>(executor_, prefix_,
                                        std::vector<std::uint16_t>{api_port_, consensus_port_}, config_.seed);
  std::ofstream(dial_map()) << proxy_->dial_map();
}

std::string cluster::dial_map() const {
  return (config_.folder / "dial-map").string();
}

link_faults* cluster::links() {
  return network_ ? static_cast<link_faults*>(network_.get()) : proxy_.get();
}

std::string cluster::virtual_address() const {
  return config_.spec.virtual_ip ? "10.77.0.200" : "192.0.2.200";
}

std::string cluster::consensus_address(const member& one) const {
  return one.address + ":" + std::to_string(consensus_port_);
}

member& cluster::make_member(bool observer) {
  auto& one = *members_.emplace_back(std::make_unique<member>());
  one.number = static_cast<unsigned>(members_.size());
  one.address = network_ ? network_->add(one.number) : prefix_ + std::to_string(one.number);
  one.root = config_.folder / ("n" + std::to_string(one.number));
  one.log = config_.folder / ("n" + std::to_string(one.number) + ".log");
  one.observer = observer;
  make_disk(one);
  if (proxy_)
    proxy_->add(one.number);
  return one;
}

void cluster::make_disk(member& one) {
  fs::create_directories(one.root);
  const auto size = std::to_string(config_.spec.disk_mib) + "M";
  if (config_.spec.disk == disk_kind::small) {
    must_run({"mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", one.root.string()});
  } else if (config_.spec.disk == disk_kind::image) {
    one.image = config_.folder / ("n" + std::to_string(one.number) + ".img");
    must_run({"truncate", "-s", size, one.image.string()});
    must_run({"mkfs.ext4", "-q", "-F", one.image.string()});
    mount_image(one);
  }
}

void cluster::mount_image(member& one) {
  must_run({"mount", "-o", "loop", one.image.string(), one.root.string()});
}

void cluster::cut_power(member& one) {
  one.process.kill_and_wait();
  const auto copy = one.image.string() + ".cut";
  must_run({"cp", "--sparse=always", one.image.string(), copy});
  must_run({"umount", "-l", one.root.string()});
  fs::rename(copy, one.image);
  mount_image(one);
}

void cluster::empty_disk(member& one) {
  for (const auto& entry : fs::directory_iterator(one.root))
    fs::remove_all(entry.path());
}

void cluster::start(member& one) {
  const auto& spec = config_.spec;
  launch what;
  what.command = {config_.daemon,
                  "--base-root",
                  one.root.string(),
                  "--static-ip",
                  one.address,
                  "--api-port",
                  std::to_string(api_port_),
                  "--consensus-port",
                  std::to_string(consensus_port_),
                  "--drp-id",
                  "server-" + std::to_string(one.number),
                  "--heartbeat",
                  ms(spec.heartbeat),
                  "--election-timeout",
                  ms(spec.election),
                  "--lease",
                  ms(spec.lease)};
  if (spec.log_limit_kib > 0) {
    what.command.emplace_back("--log-limit");
    what.command.push_back(std::to_string(spec.log_limit_kib) + "KiB");
  }
  if (proxy_)
    what.command.insert(what.command.end(), {"--dial-map", dial_map()});
  what.output = one.log.string();
  if (!spec.unsafe.empty())
    what.environment.push_back("HOLDFAST_UNSAFE=" + spec.unsafe);
  if (config_.fake_clock) {
    const auto file = config_.folder / ("n" + std::to_string(one.number) + ".clock");
    if (!fs::exists(file))
      std::ofstream(file) << "+0\n";
    what.environment.insert(what.environment.end(),
                            {"LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                             "FAKETIME_TIMESTAMP_FILE=" + file.string(), "FAKETIME_NO_CACHE=1",
                             "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"});
  }
  what.network = network_ ? network_->space(one.number) : -1;
  one.paused = false;
  one.leaving = false;
  one.process.start(what);
}

asio::awaitable<api_answer> cluster::ask(member& one, std::string method, std::string path, std::string body,
                                         milliseconds time) {
  api_call what;
  what.method = std::move(method);
  what.target = std::move(path);
  what.body = std::move(body);
  what.time = time;
  auto got = co_await api_.call(place(one), std::move(what));
  co_return got;
}

asio::awaitable<bool> cluster::wait_serving(member& one, milliseconds time) {
  const auto end = now_ns() + time.count() * 1'000'000;
  for (;;) {
    const auto got = co_await ask(one, "GET", "/api/v3/info", "", 2s);
    if (got.ok())
      co_return true;
    if (now_ns() > end || !one.process.running())
      co_return false;
    co_await sleep_for(20ms);
  }
}

asio::awaitable<member*> cluster::find_active(milliseconds time) {
  const auto end = now_ns() + time.count() * 1'000'000;
  for (;;) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& one = *members_[i];
      if (!one.enrolled || one.paused || !one.process.running())
        continue;
      const auto got = co_await ask(one, "GET", "/health/active", "", 500ms);
      if (got.ok())
        co_return &one;
    }
    if (now_ns() > end)
      co_return nullptr;
    co_await sleep_for(20ms);
  }
}

std::vector<member*> cluster::enrolled() {
  std::vector<member*> out;
  for (auto& one : members_) {
    if (one->enrolled && !one->retired)
      out.push_back(one.get());
  }
  return out;
}

asio::awaitable<std::string> cluster::id_of(member& one) {
  const auto got = co_await ask(one, "GET", "/api/v3/system/consensus/id");
  co_return text_of(got.body);
}

asio::awaitable<void> cluster::found(member& one) {
  const auto state = co_await ask(one, "GET", "/api/v3/system/consensus/state");
  std::map<std::string, std::string> settings = {
      {"HaID", json_string("testers")},
      {"LoadBalanced", config_.spec.virtual_ip ? "false" : "true"},
      {"VirtAddr", json_string(virtual_address() + (config_.spec.virtual_ip ? "/24" : ""))},
      {"ConsensusAddr", json_string(consensus_address(one))}};
  if (config_.spec.virtual_ip)
    settings["VirtInterface"] = json_string("c0");
  const auto body = with_members(state.body, settings);
  const auto got = co_await ask(one, "POST", "/api/v3/system/consensus/enroll", body, 60s);
  if (!got.ok())
    throw std::runtime_error("the first member does not enrol itself: " + got.text());
  one.id = co_await id_of(one);
  one.enrolled = true;
}

asio::awaitable<std::string> cluster::enrol(member& one) {
  auto* active = co_await find_active(10s);
  if (!active)
    co_return "no active member";
  const auto state = co_await ask(one, "GET", "/api/v3/system/consensus/state");
  if (!state.ok())
    co_return "its state cannot be read: " + state.text();
  const auto introduction = co_await ask(*active, "GET", "/api/v3/system/consensus/introduction");
  if (!introduction.ok())
    co_return "no introduction from member " + std::to_string(active->number) + ": " + introduction.text();
  auto settings = members_json(introduction.body, global_keys);
  settings["ConsensusAddr"] = json_string(consensus_address(one));
  if (one.observer)
    settings["Observer"] = "true";
  if (config_.spec.virtual_ip)
    settings["VirtInterface"] = json_string("c0");
  const auto body = with_members(state.body, settings);
  const auto got = co_await ask(one, "POST", "/api/v3/system/consensus/enroll", body, 90s);
  if (!got.ok())
    co_return "its enrolment was answered " + got.text();
  one.id = co_await id_of(one);
  one.enrolled = true;
  const bool serves = co_await wait_serving(one, 20s);
  co_return serves ? "" : "it is enrolled and does not serve";
}

asio::awaitable<void> cluster::form() {
  for (auto& one : members_)
    start(*one);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool serves = co_await wait_serving(*members_[i], 60s);
    if (!serves)
      throw std::runtime_error("member " + std::to_string(i + 1) + " does not serve: see " +
                               members_[i]->log.string());
  }
  co_await found(*members_[0]);
  for (std::size_t i = 1; i < members_.size(); ++i) {
    // On a busy machine the first member may lose its leadership on the way, and takes the newcomer out
    // again.
    std::string why;
    for (int attempt = 0; attempt < 3; ++attempt) {
      why = co_await enrol(*members_[i]);
      if (why.empty())
        break;
      co_await sleep_for(1s);
    }
    if (!why.empty())
      throw std::runtime_error("member " + std::to_string(i + 1) + " does not enrol: " + why);
  }
}

asio::awaitable<std::string> cluster::add() {
  auto& one = make_member(false);
  start(one);
  const bool serves = co_await wait_serving(one, 60s);
  if (!serves)
    co_return "the new member does not serve";
  auto why = co_await enrol(one);
  co_return why;
}

asio::awaitable<std::string> cluster::remove(member& one) {
  auto* active = co_await find_active(10s);
  if (!active || active == &one)
    co_return active ? "it is the active one" : "no active member";
  const auto got = co_await ask(*active, "DELETE", "/api/v3/system/consensus/node/" + one.id, "", 20s);
  if (!got.ok())
    co_return "its removal was answered " + got.text();
  one.enrolled = false;
  one.retired = true;
  one.process.kill_and_wait();
  co_return "";
}

} // namespace holdfast::chaos
