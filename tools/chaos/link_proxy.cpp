#include "tools/chaos/link_proxy.hpp"

#include "tools/chaos/api.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <stdexcept>

namespace holdfast::chaos {

namespace {

using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr unsigned most_members = 99;
constexpr std::size_t piece_bytes = 16 * 1024;
constexpr std::size_t most_waiting = 1024 * 1024; ///< bytes on their way; beyond, the sender is not read
constexpr auto first_retransmission = 200ms;

/// Bytes on their way in one direction.
struct stream {
  explicit stream(const asio::any_io_executor& executor) : changed(executor) {
    changed.expires_at(clock::time_point::max());
  }
  struct piece {
    clock::time_point due;
    std::string bytes;
  };
  std::deque<piece> waiting;
  std::size_t bytes = 0;
  bool ended = false;
  asio::steady_timer changed; ///< cancelled when bytes come or go and when a fault ends

  asio::awaitable<void> wait() {
    error_code ignored;
    co_await changed.async_wait(redirect_error(use_awaitable, ignored));
  }
};

} // namespace

/// Two sockets and what is between them.
struct connection {
  connection(tcp::socket accepted, unsigned dialler, unsigned meant)
      : from(dialler), to(meant), near(std::move(accepted)), far(near.get_executor()),
        up(near.get_executor()), down(near.get_executor()) {}
  unsigned from; ///< who dialled; 0: no member
  unsigned to;
  tcp::socket near;
  tcp::socket far;
  stream up;   ///< from → to
  stream down; ///< to → from

  /// Both ends see a RST.
  void cut() {
    error_code ignored;
    for (auto* socket : {&near, &far}) {
      socket->set_option(asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }
};

struct link_proxy::state : std::enable_shared_from_this<link_proxy::state> {
  state(asio::any_io_executor ex, std::string text, std::vector<std::uint16_t> all, std::uint64_t seed)
      : executor(std::move(ex)), prefix(std::move(text)), ports(std::move(all)), dice(seed) {}

  asio::any_io_executor executor;
  std::string prefix;
  std::vector<std::uint16_t> ports;
  std::mt19937_64 dice;
  std::list<tcp::acceptor> acceptors;
  std::list<std::weak_ptr<connection>> connections;
  std::set<std::pair<unsigned, unsigned>> blocked;
  std::set<unsigned> resetting;
  std::map<unsigned, unsigned> losing;
  std::map<unsigned, unsigned> caps;
  std::map<unsigned, clock::time_point> free_at; ///< when a capped member may send again
  std::map<unsigned, frame_rule> rules;
  bool over = false;

  [[nodiscard]] std::string face(unsigned number) const { return prefix + std::to_string(100 + number); }
  [[nodiscard]] bool is_blocked(unsigned a, unsigned b) const { return blocked.contains({a, b}); }
  [[nodiscard]] unsigned number_of(const tcp::endpoint& remote) const;
  void wake_all();
  asio::awaitable<void> accept_loop(tcp::acceptor& acceptor, unsigned to, std::uint16_t port);
  asio::awaitable<void> serve(std::shared_ptr<connection> link, std::uint16_t port);
  asio::awaitable<void> read_side(std::shared_ptr<connection> link, bool up);
  asio::awaitable<void> write_side(std::shared_ptr<connection> link, bool up);
  [[nodiscard]] clock::time_point due(unsigned from, unsigned to);
  [[nodiscard]] clock::time_point paced(unsigned from, std::size_t bytes);
};

unsigned link_proxy::state::number_of(const tcp::endpoint& remote) const {
  const auto text = remote.address().to_string();
  return text.starts_with(prefix) ? remote.address().to_v4().to_bytes()[3] : 0;
}

void link_proxy::state::wake_all() {
  for (const auto& weak : connections) {
    if (const auto link = weak.lock()) {
      link->up.changed.cancel();
      link->down.changed.cancel();
    }
  }
}

asio::awaitable<void> link_proxy::state::accept_loop(tcp::acceptor& acceptor, unsigned to,
                                                     std::uint16_t port) {
  const auto self = shared_from_this();
  while (!over) {
    error_code ec;
    tcp::socket socket(executor);
    co_await acceptor.async_accept(socket, redirect_error(use_awaitable, ec));
    if (over)
      co_return;
    const auto remote = ec ? tcp::endpoint{} : socket.remote_endpoint(ec);
    if (ec)
      continue;
    auto link = std::make_shared<connection>(std::move(socket), number_of(remote), to);
    std::erase_if(connections, [](const auto& weak) { return weak.expired(); });
    connections.push_back(link);
    asio::co_spawn(executor, serve(std::move(link), port), asio::detached);
  }
}

asio::awaitable<void> link_proxy::state::serve(std::shared_ptr<connection> link, std::uint16_t port) {
  const auto self = shared_from_this();
  error_code ec;
  while ((is_blocked(link->from, link->to) || is_blocked(link->to, link->from)) && !over)
    co_await link->up.wait();
  if (over || resetting.contains(link->from) || resetting.contains(link->to)) {
    link->cut();
    co_return;
  }
  link->far.open(tcp::v4(), ec);
  if (link->from != 0)
    link->far.bind({asio::ip::make_address(prefix + std::to_string(link->from)), 0}, ec);
  const tcp::endpoint target(asio::ip::make_address(prefix + std::to_string(link->to)), port);
  if (!ec)
    co_await link->far.async_connect(target, redirect_error(use_awaitable, ec));
  if (ec || over) {
    link->cut();
    co_return;
  }
  for (auto* socket : {&link->near, &link->far})
    socket->set_option(tcp::no_delay(true), ec);
  for (const bool up : {true, false}) {
    asio::co_spawn(executor, read_side(link, up), asio::detached);
    asio::co_spawn(executor, write_side(link, up), asio::detached);
  }
}

asio::awaitable<void> link_proxy::state::read_side(std::shared_ptr<connection> link, bool up) {
  const auto self = shared_from_this();
  auto& from = up ? link->near : link->far;
  auto& way = up ? link->up : link->down;
  for (error_code ec; !ec && !over;) {
    while (way.bytes >= most_waiting && !over)
      co_await way.wait();
    std::string piece(piece_bytes, '\0');
    const auto got = co_await from.async_read_some(asio::buffer(piece), redirect_error(use_awaitable, ec));
    piece.resize(got);
    const auto at = up ? due(link->from, link->to) : due(link->to, link->from);
    if (got > 0) {
      // In order: nothing overtakes what was held up before it.
      way.waiting.push_back({way.waiting.empty() ? at : std::max(at, way.waiting.back().due), piece});
      way.bytes += got;
    }
    way.ended = way.ended || ec;
    way.changed.cancel();
  }
}

asio::awaitable<void> link_proxy::state::write_side(std::shared_ptr<connection> link, bool up) {
  const auto self = shared_from_this();
  auto& to = up ? link->far : link->near;
  auto& way = up ? link->up : link->down;
  const auto sender = up ? link->from : link->to;
  const auto receiver = up ? link->to : link->from;
  error_code ec;
  while (!ec && !over) {
    if (way.waiting.empty() && way.ended)
      break;
    if (way.waiting.empty() || is_blocked(sender, receiver)) {
      co_await way.wait();
      continue;
    }
    if (const auto at = way.waiting.front().due; at > clock::now()) {
      co_await sleep_for(at - clock::now());
      continue;
    }
    const auto piece = std::move(way.waiting.front().bytes);
    way.waiting.pop_front();
    way.bytes -= piece.size();
    way.changed.cancel();
    if (const auto at = paced(sender, piece.size()); at > clock::now())
      co_await sleep_for(at - clock::now());
    co_await asio::async_write(to, asio::buffer(piece), redirect_error(use_awaitable, ec));
  }
  // The end of one direction is the end of the link: nobody here uses half of one.
  error_code ignored;
  link->near.close(ignored);
  link->far.close(ignored);
}

clock::time_point link_proxy::state::due(unsigned from, unsigned to) {
  auto at = clock::now();
  if (const auto rule = rules.find(from); rule != rules.end()) {
    const auto copies = arrivals(rule->second, dice);
    at += copies.empty() ? 0us : copies.front();
  }
  const auto lost = losing.find(to);
  for (auto held = first_retransmission; lost != losing.end() && dice() % 100 < lost->second; held *= 2)
    at += held;
  return at;
}

/// When these bytes have left a capped member.
clock::time_point link_proxy::state::paced(unsigned from, std::size_t bytes) {
  const auto found = caps.find(from);
  if (found == caps.end())
    return {};
  auto& at = free_at[from];
  at = std::max(at, clock::now()) + std::chrono::microseconds(bytes * 8 * 1000 / found->second);
  return at;
}

link_proxy::link_proxy(asio::any_io_executor executor, std::string prefix, std::vector<std::uint16_t> ports,
                       std::uint64_t seed)
    : state_(std::make_shared<state>(std::move(executor), std::move(prefix), std::move(ports), seed)) {}

link_proxy::~link_proxy() {
  state_->over = true;
  error_code ignored;
  for (auto& acceptor : state_->acceptors)
    acceptor.close(ignored);
  for (const auto& weak : state_->connections) {
    if (const auto link = weak.lock())
      link->cut();
  }
  state_->wake_all();
}

void link_proxy::add(unsigned number) {
  if (number > most_members)
    throw std::runtime_error("a run on loopback has at most 99 members");
  for (const auto port : state_->ports) {
    auto& acceptor = state_->acceptors.emplace_back(
        state_->executor, tcp::endpoint(asio::ip::make_address(state_->face(number)), port));
    asio::co_spawn(state_->executor, state_->accept_loop(acceptor, number, port), asio::detached);
  }
}

std::string link_proxy::dial_map() const {
  std::string out;
  for (unsigned number = 1; number <= most_members; ++number) {
    for (const auto port : state_->ports) {
      const auto tail = ":" + std::to_string(port);
      out += state_->prefix + std::to_string(number) + tail + " " + state_->face(number) + tail + "\n";
    }
  }
  return out;
}

void link_proxy::block(unsigned from, unsigned to) {
  state_->blocked.insert({from, to});
}

void link_proxy::lose(unsigned at, unsigned percent) {
  state_->losing[at] = std::min(percent, 99U); // every hold-up has to end
}

void link_proxy::reset(unsigned at) {
  state_->resetting.insert(at);
  for (const auto& weak : state_->connections) {
    const auto link = weak.lock();
    if (link && (link->from == at || link->to == at))
      link->cut();
  }
  state_->wake_all();
}

void link_proxy::cap(unsigned at, unsigned kbit) {
  state_->caps[at] = kbit;
}

void link_proxy::unplug(unsigned) {
  throw std::runtime_error("on loopback clients cannot be cut off");
}

frame_rule link_proxy::rule(unsigned from) const {
  const auto found = state_->rules.find(from);
  return found == state_->rules.end() ? frame_rule{} : found->second;
}

void link_proxy::set_rule(unsigned from, const frame_rule& rule) {
  state_->rules[from] = rule;
}

void link_proxy::heal() {
  state_->blocked.clear();
  state_->resetting.clear();
  state_->losing.clear();
  state_->caps.clear();
  state_->free_at.clear();
  state_->rules.clear();
  state_->wake_all();
}

} // namespace holdfast::chaos
