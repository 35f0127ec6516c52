#include "actors/vip/guard_worker.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace holdfast::vip {

namespace {

constexpr mono_ns pet_interval = 40 * mono_ms;
constexpr std::array<int, 3> ticket_pauses_ms{0, 30, 100};

/// "10.0.0.1:8093" or "[fd00::1]:8093" as a socket address; 0 when it is neither.
socklen_t parse_target(const std::string& text, sockaddr_storage& out) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    return 0;
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto port = htons(static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    return sizeof *v4;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    return sizeof *v6;
  }
  return 0;
}

bool told_by_script(guard_note note) {
  return note == guard_note::held || note == guard_note::restored || note == guard_note::released ||
         note == guard_note::lapsed;
}

} // namespace

guard_worker::guard_worker(unique_fd daemon, unique_fd pet, guard_page& page)
    : daemon_(std::move(daemon)), pet_(std::move(pet)), page_(page) {}

std::string guard_worker::open_sockets() {
  std::string missing;
  try {
    netlink_ = std::make_unique<netlink>();
    monitor_ = std::make_unique<netlink_monitor>();
    packets_ = std::make_unique<packet_socket>();
    if (const int refused = netlink_->try_permission(); refused != 0)
      missing = fmt::format("CAP_NET_ADMIN: {}", std::strerror(refused));
  } catch (const std::system_error& error) {
    missing = error.what();
  }
  return missing;
}

int guard_worker::run() {
  const auto missing = open_sockets();
  // What an earlier worker was told: whatever it put on the interface must not outlive it (VIP-04).
  const auto left = page_.configure_size.load(std::memory_order_acquire);
  const auto left_tickets = page_.tickets_size.load(std::memory_order_acquire);
  if (left > 0) {
    if (const auto m = decode_to_guard(std::span{page_.configure}.first(left))) {
      if (const auto* earlier = std::get_if<to_guard::configure>(&*m)) {
        handle(*earlier);
      }
    }
  }
  if (left_tickets > 0) {
    if (const auto m = decode_to_guard(std::span{page_.tickets}.first(left_tickets))) {
      if (const auto* earlier = std::get_if<to_guard::tickets>(&*m)) {
        tickets_ = *earlier;
      }
    }
  }
  show_deadline();
  send(to_daemon::ready{missing}); // only now: whoever hears it may rely on the address being off
  while (!done_) {
    wait();
  }
  return 0;
}

void guard_worker::wait() {
  std::array<pollfd, 4> fds{{{daemon_open_ ? daemon_.get() : -1, POLLIN, 0},
                             {monitor_ ? monitor_->fd() : -1, POLLIN, 0},
                             {packets_ ? packets_->fd() : -1, POLLIN, 0},
                             {script_.fd(), POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), poll_timeout(mono_now()));
  // The deadline first: after a pause of this process nothing that waited in a queue may extend it.
  perform(rules_.tick(mono_now()));
  show_deadline();
  if (fds[0].revents != 0) {
    receive();
  }
  if (fds[1].revents != 0) {
    monitor_->drain([this](const netlink_event& event) { on_netlink(event); });
  }
  if (fds[2].revents != 0) {
    packets_->drain([this](std::span<const std::uint8_t> bytes) { on_frame(bytes); });
  }
  if (script_.running()) {
    on_script();
  }
  if (probe_until_ != 0 && probe_until_ <= mono_now()) {
    finish_probe("");
  }
  pet_keeper(mono_now());
}

int guard_worker::poll_timeout(mono_ns now) const {
  mono_ns next = now + 3600'000 * mono_ms;
  if (const auto due = rules_.next_deadline()) {
    next = std::min({next, *due, pet_at_});
  }
  if (probe_until_ != 0) {
    next = std::min(next, probe_until_);
  }
  if (script_.running()) {
    next = std::min({next, script_.deadline(), now + 50 * mono_ms});
  }
  return static_cast<int>(std::clamp<mono_ns>((next - now + mono_ms - 1) / mono_ms, 0, 3600'000));
}

void guard_worker::pet_keeper(mono_ns now) {
  if (!rules_.holding() && !script_.running() && pet_at_ != 0) {
    pet_at_ = 0;
    (void)!::write(pet_.get(), "i", 1);
  } else if (rules_.holding() && pet_at_ <= now) {
    pet_at_ = now + pet_interval;
    (void)!::write(pet_.get(), "h", 1);
  }
}

/// After whatever was done about it: until then the old one holds, and the keeper sees to it.
void guard_worker::show_deadline() {
  page_.deadline.store(rules_.holding() ? rules_.deadline() : 0, std::memory_order_release);
}

void guard_worker::receive() {
  std::array<char, max_guard_packet> packet;
  for (;;) {
    const auto got = ::recv(daemon_.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EAGAIN) {
      return;
    }
    if (got <= 0) {
      daemon_open_ = false;
      perform(rules_.daemon_gone(mono_now()));
      return;
    }
    if (const auto m = decode_to_guard(std::span{packet}.first(static_cast<std::size_t>(got)))) {
      std::visit([this](const auto& body) { handle(body); }, *m);
    } else {
      tell(guard_note::failed, "a message of the daemon was malformed and was refused");
    }
  }
}

void guard_worker::remember(std::atomic<std::uint32_t>& size, std::array<char, max_guard_packet>& where,
                            const std::string& packet) {
  size.store(0, std::memory_order_release);
  if (packet.size() <= where.size()) {
    std::copy(packet.begin(), packet.end(), where.begin());
    size.store(static_cast<std::uint32_t>(packet.size()), std::memory_order_release);
  }
}

void guard_worker::handle(const to_guard::configure& m) {
  if (address_ && m == config_) { // a new life of the daemon's actor: nothing changes for the address
    tell(rules_.holding() ? guard_note::held : guard_note::released, {});
    if (!link_.usable())
      tell(guard_note::link_lost, {});
    return;
  }
  if (address_) {
    perform(rules_.release(mono_now()));
  }
  config_ = m;
  address_ = m.cidr.empty() ? std::nullopt : parse_cidr(m.cidr);
  remember(page_.configure_size, page_.configure, encode(to_guard::message{m}));
  if (!m.cidr.empty() && (!address_ || !valid_interface_name(m.interface))) {
    address_.reset();
    tell(guard_note::failed, fmt::format("cannot guard '{}' on '{}'", m.cidr, m.interface));
    return;
  }
  if (address_) {
    remove();
    link_ = {};
    look_at_link();
  }
}

void guard_worker::handle(const to_guard::hold& m) {
  if (address_) {
    perform(rules_.hold(mono_now(), m.deadline, m.epoch));
    show_deadline();
  }
}

void guard_worker::handle(const to_guard::release&) {
  perform(rules_.release(mono_now()));
  show_deadline();
}

void guard_worker::handle(const to_guard::probe& m) {
  if (!address_ || !packets_ || link_.index == 0 ||
      packets_->send(link_.index, probe(*address_, link_.mac)) != 0) {
    send(to_daemon::probe_result{});
    return;
  }
  probe_until_ = mono_now() + std::min<std::uint16_t>(m.wait_ms, 1000) * mono_ms;
}

void guard_worker::handle(const to_guard::ping& m) {
  send(to_daemon::pong{m.nonce});
}

void guard_worker::handle(const to_guard::tickets& m) {
  tickets_ = m;
  remember(page_.tickets_size, page_.tickets, encode(to_guard::message{m}));
}

void guard_worker::finish_probe(const std::string& mac) {
  probe_until_ = 0;
  send(to_daemon::probe_result{mac});
}

void guard_worker::perform(const guard_rules::actions& todo) {
  for (const auto& action : todo) {
    switch (action.what) {
    case guard_act::add_address:
      add();
      break;
    case guard_act::remove_address:
      remove();
      break;
    case guard_act::announce:
      announce();
      break;
    case guard_act::send_tickets:
      send_tickets();
      break;
    case guard_act::tell_daemon:
      // In the script form the address is on or off when the script has said so.
      if (config_.script.empty() || !told_by_script(action.note)) {
        tell(action.note, action.note == guard_note::failed ? failure_ : std::string{});
      }
      break;
    case guard_act::finish:
      done_ = true;
      break;
    }
  }
}

void guard_worker::add() {
  // Before the address is on: a worker that is stopped between the two would stand there unwatched.
  show_deadline();
  pet_keeper(mono_now());
  if (!config_.script.empty()) {
    start_script("add");
    return;
  }
  const int error = link_.index == 0 || !netlink_
                        ? ENODEV
                        : netlink_->add_address(link_.index, *address_, guard_timing{}.kernel_lifetime_s);
  if (error != 0) {
    failure_ = fmt::format("{} on {}: {}", config_.cidr, config_.interface, std::strerror(error));
    perform(rules_.add_failed(mono_now()));
  }
}

void guard_worker::remove() {
  if (!address_) {
    return;
  }
  if (!config_.script.empty()) {
    start_script("remove");
    return;
  }
  if (!netlink_) {
    return;
  }
  for (const auto& found : netlink_->find_address(*address_)) {
    if (const int error = netlink_->remove_address(found.index, *address_, found.address.prefix);
        error != 0) {
      failure_ = fmt::format("{} cannot be taken off: {}", config_.cidr, std::strerror(error));
      tell(guard_note::failed, failure_);
    }
  }
}

void guard_worker::announce() {
  if (!packets_ || !address_ || link_.index == 0) {
    return;
  }
  bool sent = false;
  for (const auto& bytes : announcements(*address_, link_.mac)) {
    // The schedule repeats it; a link that is down says so by itself.
    sent = packets_->send(link_.index, bytes) == 0 || sent;
  }
  if (sent) {
    tell(guard_note::announced, {});
  }
}

void guard_worker::start_script(const std::string& action) {
  if (script_.running()) {
    wanted_script_ = action; // the last wish counts
    return;
  }
  std::string why;
  if (!script_.start(mono_now(), config_.script, action, config_.interface, config_.cidr, why)) {
    failure_ = why;
    tell(guard_note::failed, why);
    return;
  }
  if (!daemon_open_) {
    (void)script_.finish();
  }
}

void guard_worker::on_script() {
  const auto result = script_.poll(mono_now());
  if (!result) {
    return;
  }
  if (!result->ok) {
    failure_ = fmt::format("{} {}: {}", config_.script, result->action, result->text);
    tell(guard_note::failed, failure_);
  } else if (result->action == "add" && rules_.holding()) {
    announce();
    tell(guard_note::held, {});
  } else if (result->action == "remove" && wanted_script_.empty()) {
    tell(guard_note::released, {});
  }
  if (!wanted_script_.empty()) {
    start_script(std::exchange(wanted_script_, {}));
  }
}

void guard_worker::send_tickets() {
  if (tickets_.payload.empty() || tickets_.epoch != rules_.epoch()) {
    return; // no ticket for this epoch was left with us: the members wait the lease out
  }
  for (const int pause : ticket_pauses_ms) {
    ::poll(nullptr, 0, pause);
    for (const auto& target : tickets_.targets) {
      sockaddr_storage to{};
      const socklen_t size = parse_target(target, to);
      if (size == 0) {
        continue;
      }
      const unique_fd socket{::socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
      sockaddr_storage from{};
      if (const socklen_t own = parse_target(tickets_.source_ip + ":0", from); own > 0) {
        (void)::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), own);
      }
      (void)::sendto(socket.get(), tickets_.payload.data(), tickets_.payload.size(), MSG_DONTWAIT,
                     reinterpret_cast<const sockaddr*>(&to), size);
    }
  }
}

void guard_worker::tell(guard_note what, const std::string& detail) {
  send(to_daemon::note{what, rules_.epoch(), detail.substr(0, 250)});
}

void guard_worker::send(const to_daemon::message& m) {
  if (daemon_open_) {
    const auto packet = encode(m);
    // A daemon that does not read must not hold the guard up.
    (void)::send(daemon_.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

void guard_worker::look_at_link() {
  if (!netlink_ || !address_) {
    return;
  }
  const link_info now = netlink_->find_link(config_.interface).value_or(link_info{});
  const bool changed = now.index != link_.index || now.mac != link_.mac;
  if (now.index != link_.index && now.index != 0 && packets_) {
    (void)packets_->bind(now.index);
  }
  link_ = now;
  perform(rules_.link(mono_now(), now.usable(), changed));
}

void guard_worker::on_netlink(const netlink_event& event) {
  using what = netlink_event::what;
  if (!address_) {
    return;
  }
  switch (event.kind) {
  case what::address_deleted:
    if (event.address.index == link_.index && event.address.address.kind == address_->kind &&
        event.address.address.bytes == address_->bytes && netlink_->find_address(*address_).empty()) {
      perform(rules_.address_deleted(mono_now()));
    }
    break;
  case what::link_changed:
  case what::link_gone:
  case what::overrun:
    if (event.kind == what::overrun || event.link.name == config_.interface ||
        event.link.index == link_.index) {
      look_at_link();
    }
    break;
  case what::address_added:
    if (!rules_.holding() && config_.script.empty() && event.address.address.kind == address_->kind &&
        event.address.address.bytes == address_->bytes && !netlink_->find_address(*address_).empty()) {
      remove();
      tell(guard_note::stray, {});
    }
    break;
  }
}

void guard_worker::on_frame(std::span<const std::uint8_t> bytes) {
  if (!address_) {
    return;
  }
  const auto who = claimed_by(bytes, *address_);
  if (!who || *who == link_.mac) {
    return;
  }
  if (probe_until_ != 0) {
    finish_probe(to_text(*who));
  } else if (rules_.holding()) {
    for (const auto& action : rules_.claim(mono_now())) {
      if (action.what == guard_act::tell_daemon) {
        tell(action.note, to_text(*who));
      } else {
        perform({action});
      }
    }
  }
}

} // namespace holdfast::vip
