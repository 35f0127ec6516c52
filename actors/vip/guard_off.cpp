// The half of the guard's worker that makes sure that an address is off: removals are owed until they worked,
// by the kernel at once, by the operator's script when it has ended well. What follows from the address being
// off (a word to the daemon, tickets to the members, the readiness of an heir) waits for that.
#include "actors/vip/guard_worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace holdfast::vip {

namespace {

constexpr mono_ns off_spacing = 1000 * mono_ms;

} // namespace

void guard_worker::remove() {
  add_wanted_ = false;
  if (script_.running() && script_.action() == "add") {
    script_.stop(mono_now());
    page_.script_until.store(script_.deadline(), std::memory_order_release);
    owe(script_for_);
  }
  if (address_) {
    owe(config_);
  }
  settle();
}

void guard_worker::owe(const to_guard::configure& what) {
  const auto known =
      std::find_if(owed_.begin(), owed_.end(), [&](const removal& owed) { return owed.what == what; });
  if (known == owed_.end()) {
    owed_.push_back({what, 0});
    remember();
  } else {
    known->due = 0;
  }
}

/// For an heir. The earlier ones first: a worker that is killed in between leaves one too many, never too
/// few.
void guard_worker::remember() {
  auto slot = page_.earlier.begin();
  for (const auto& owed : owed_) {
    if (owed.what != config_ && slot != page_.earlier.end()) {
      (slot++)->write(encode(to_guard::message{owed.what}));
    }
  }
  page_.configure.write(encode(to_guard::message{config_}));
  for (; slot != page_.earlier.end(); ++slot) {
    slot->write({});
  }
}

void guard_worker::settle() {
  while (!script_.running() && !done_) {
    const auto now = mono_now();
    const auto next =
        std::find_if(owed_.begin(), owed_.end(), [now](const removal& owed) { return owed.due <= now; });
    if (next == owed_.end()) {
      break;
    }
    if (!next->what.script.empty()) {
      if (start_script("remove", next->what)) {
        return;
      }
      not_off(static_cast<std::size_t>(next - owed_.begin()));
    } else if (take_off(next->what)) {
      owed_.erase(next);
      remember();
    } else {
      not_off(static_cast<std::size_t>(next - owed_.begin()));
    }
  }
  if (owed_.empty() && !script_.running()) {
    settled();
  }
  if (add_wanted_ && !script_.running() && !done_) {
    add_wanted_ = false;
    once_off_.clear();
    if (!start_script("add", config_)) {
      perform(rules_.add_failed(mono_now(), true));
    }
  }
}

void guard_worker::settled() {
  if (!ready_said_) {
    ready_said_ = true;
    send(to_daemon::ready{missing_}); // only now: whoever hears it may rely on the address being off
  }
  if (!once_off_.empty()) {
    show_deadline();
    perform(std::exchange(once_off_, {}));
  }
}

bool guard_worker::take_off(const to_guard::configure& what) {
  const auto address = parse_cidr(what.cidr);
  if (!netlink_ || !address) {
    return true;
  }
  auto standing = netlink_->find_address(*address);
  if (!standing) { // off where we put it, then, without having seen it there
    const auto link = netlink_->find_link(what.interface);
    standing = {{link ? link->index : link_.index, *address}};
    standing->front().address.prefix = address->host_prefix();
  }
  bool off = true;
  for (const auto& found : *standing) {
    if (const int error = netlink_->remove_address(found.index, *address, found.address.prefix); error != 0) {
      failure_ = fmt::format("{} cannot be taken off: {}", what.cidr, std::strerror(error));
      off = false;
    }
  }
  // What we have no right to take off we had none to put on.
  return off || !missing_.empty();
}

void guard_worker::not_off(std::size_t which) {
  tell(guard_note::failed, failure_);
  if (daemon_open_) {
    owed_[which].due = mono_now() + off_spacing;
    return;
  }
  // The daemon's successor on this host looks after it; a second try could take the address away from that
  // one. The members get no ticket and wait the lease out.
  owed_.erase(owed_.begin() + static_cast<std::ptrdiff_t>(which));
  once_off_ = {{guard_act::finish, guard_note::none}};
}

bool guard_worker::start_script(const std::string& action, const to_guard::configure& what) {
  if (!script_.start(mono_now(), what.script, action, what.interface, what.cidr, failure_)) {
    return false;
  }
  script_for_ = what;
  page_.script_until.store(script_.deadline(), std::memory_order_release);
  page_.script_group.store(script_.group(), std::memory_order_release);
  return true;
}

void guard_worker::on_script() {
  const auto result = script_.poll(mono_now());
  if (!result) {
    return;
  }
  page_.script_group.store(0, std::memory_order_release);
  page_.script_until.store(mono_now(), std::memory_order_release); // what follows takes its time as well
  if (!result->ok) {
    failure_ = fmt::format("{} {}: {}", script_for_.script, result->action, result->text);
  }
  if (result->action == "remove") {
    const auto owed = std::find_if(owed_.begin(), owed_.end(),
                                   [this](const removal& one) { return one.what == script_for_; });
    if (owed != owed_.end() && !result->ok) {
      not_off(static_cast<std::size_t>(owed - owed_.begin()));
    } else if (owed != owed_.end()) {
      owed_.erase(owed);
      remember();
    }
  } else if (result->action == "add" && rules_.holding() && !result->cancelled) {
    perform(result->ok ? rules_.added_by_script(mono_now()) : rules_.add_failed(mono_now(), true));
  }
}

} // namespace holdfast::vip
