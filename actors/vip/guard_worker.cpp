#include "actors/vip/guard_worker.hpp"

#include "actors/vip/ticket_sender.hpp"

#include <fmt/format.h>
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
  missing_ = open_sockets();
  take_over();
  show_deadline();
  settle();
  while (!done_) {
    wait();
  }
  return 0;
}

void guard_worker::take_over() {
  // It must not outlive the one who put it there (VIP-04), nor be put there after all by his script.
  if (const pid_t group = page_.script_group.load(std::memory_order_acquire); group > 0) {
    script_.stop_group(mono_now(), group);
  }
  std::vector<to_guard::configure> left; // read before anything is written
  for (const auto& slot : page_.earlier) {
    if (const auto m = slot.read(); m && std::holds_alternative<to_guard::configure>(*m)) {
      left.push_back(std::get<to_guard::configure>(*m));
    }
  }
  if (const auto m = page_.configure.read(); m && std::holds_alternative<to_guard::configure>(*m)) {
    config_ = std::get<to_guard::configure>(*m);
    if (valid_interface_name(config_.interface)) {
      address_ = parse_cidr(config_.cidr);
    }
  }
  for (const auto& earlier : left) {
    owe(earlier);
  }
  if (address_) {
    owe(config_);
    look_at_link();
  }
  if (const auto m = page_.tickets.read(); m && std::holds_alternative<to_guard::tickets>(*m)) {
    tickets_ = std::get<to_guard::tickets>(*m);
  }
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
  settle();
  if (probe_until_ != 0 && probe_until_ <= mono_now()) {
    finish_probe("");
  }
  pet_keeper(mono_now());
}

int guard_worker::poll_timeout(mono_ns now) const {
  mono_ns next = now + 3600'000 * mono_ms;
  if (const auto due = rules_.next_deadline()) {
    next = std::min(next, *due);
  }
  if (busy()) {
    next = std::min(next, pet_at_);
  }
  for (const auto& owed : owed_) {
    if (!script_.running()) {
      next = std::min(next, owed.due);
    }
  }
  if (probe_until_ != 0) {
    next = std::min(next, probe_until_);
  }
  if (script_.running()) {
    next = std::min(next, script_.wake_at(now));
  }
  return static_cast<int>(std::clamp<mono_ns>((next - now + mono_ms - 1) / mono_ms, 0, 3600'000));
}

void guard_worker::pet_keeper(mono_ns now) {
  if (!busy() && pet_at_ != 0) {
    pet_at_ = 0;
    (void)!::write(pet_.get(), "i", 1);
  } else if (busy() && pet_at_ <= now) {
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
      show_deadline();
      return;
    }
    if (const auto m = decode_to_guard(std::span{packet}.first(static_cast<std::size_t>(got)))) {
      std::visit([this](const auto& body) { handle(body); }, *m);
    } else {
      tell(guard_note::failed, "a message of the daemon was malformed and was refused");
    }
  }
}

void guard_worker::handle(const to_guard::configure& m) {
  if (address_ && m == config_) { // a new life of the daemon's actor: nothing changes for the address
    if (!owed_.empty()) {
      once_off_ = {{guard_act::tell_daemon, guard_note::released}};
    } else if (rules_.stands() || !rules_.holding()) { // otherwise the add that works says it
      tell(rules_.holding() ? guard_note::held : guard_note::released, {});
    }
    if (!link_.usable())
      tell(guard_note::link_lost, {});
    return;
  }
  if (address_) {
    perform(rules_.release(mono_now()));
  }
  config_ = m;
  address_ = m.cidr.empty() ? std::nullopt : parse_cidr(m.cidr);
  if (!m.cidr.empty() && (!address_ || !valid_interface_name(m.interface))) {
    address_.reset();
    tell(guard_note::failed, fmt::format("cannot guard '{}' on '{}'", m.cidr, m.interface));
  }
  remember();
  if (address_) {
    remove();
    link_ = {};
    look_at_link();
  }
}

void guard_worker::handle(const to_guard::hold& m) {
  // Before it said that it is ready the daemon does not know of this worker.
  if (address_ && ready_said_) {
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
  page_.tickets.write(encode(to_guard::message{m}));
}

void guard_worker::finish_probe(const std::string& mac) {
  probe_until_ = 0;
  send(to_daemon::probe_result{mac});
}

void guard_worker::perform(const guard_rules::actions& todo) {
  for (auto action = todo.begin(); action != todo.end(); ++action) {
    switch (action->what) {
    case guard_act::add_address:
      if (!add()) {
        return;
      }
      break;
    case guard_act::renew_address:
      // What a script puts on has no lifetime.
      if (config_.script.empty() && !add()) {
        return;
      }
      break;
    case guard_act::remove_address:
      once_off_.assign(std::next(action), todo.end());
      remove();
      return;
    case guard_act::announce:
      announce();
      break;
    case guard_act::send_tickets:
      // No ticket for this epoch was left with us: the members wait the lease out.
      if (!tickets_.payload.empty() && tickets_.epoch == rules_.epoch()) {
        send_release_tickets(tickets_);
      }
      break;
    case guard_act::tell_daemon:
      tell(action->note, action->note == guard_note::failed ? failure_ : std::string{});
      break;
    case guard_act::finish:
      done_ = true;
      break;
    }
  }
}

bool guard_worker::add() {
  // Before the address is on: a worker that is stopped between the two would stand there unwatched.
  show_deadline();
  pet_keeper(mono_now());
  // The wish to have it off is over, unless that is just being done.
  const auto over = std::erase_if(owed_, [this](const removal& owed) {
    return owed.what == config_ && !(script_.running() && script_for_ == config_);
  });
  if (over != 0) {
    remember(); // not with every renewal: a kill in the middle of it leaves an heir without the address
  }
  if (!config_.script.empty()) {
    add_wanted_ = !(script_.running() && script_.action() == "add" && !script_.cancelled());
    settle();
    return false;
  }
  once_off_.clear();
  const int error = link_.index == 0 || !netlink_
                        ? ENODEV
                        : netlink_->add_address(link_.index, *address_, guard_timing{}.kernel_lifetime_s);
  if (error != 0) {
    failure_ = fmt::format("{} on {}: {}", config_.cidr, config_.interface, std::strerror(error));
    perform(rules_.add_failed(mono_now()));
    return false;
  }
  rules_.added();
  return true;
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

bool guard_worker::may_stand() {
  const auto found = netlink_->find_address(*address_);
  return !found || !found->empty();
}

bool guard_worker::surely_stands() {
  const auto found = netlink_->find_address(*address_);
  return found && !found->empty();
}

void guard_worker::on_netlink(const netlink_event& event) {
  using what = netlink_event::what;
  if (!address_) {
    return;
  }
  switch (event.kind) {
  case what::address_deleted:
    if (event.address.index == link_.index && event.address.address.kind == address_->kind &&
        event.address.address.bytes == address_->bytes && !surely_stands()) {
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
        event.address.address.bytes == address_->bytes && may_stand()) {
      if (owed_.empty()) {
        once_off_ = {{guard_act::tell_daemon, guard_note::stray}};
      }
      remove();
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
