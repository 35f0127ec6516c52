#include "actors/vip/guard_rules.hpp"

#include <algorithm>
#include <array>

namespace holdfast::vip {

namespace {

/// Caches that miss one announcement get another: at once, and while switches still learn.
constexpr std::array<mono_ns, 6> opening{
    0, 20 * mono_ms, 100 * mono_ms, 500 * mono_ms, 1000 * mono_ms, 2000 * mono_ms};

} // namespace

void guard_rules::start_announcing(mono_ns now) {
  announce_began_ = now;
  announced_ = 0;
  refresh_at_ = now + timing_.refresh;
}

void guard_rules::announce_due(mono_ns now, bool may, actions& out) {
  bool due = false;
  while (announced_ < opening.size() && announce_began_ + opening[announced_] <= now) {
    ++announced_;
    due = true;
  }
  if (refresh_at_ <= now) {
    refresh_at_ = now + timing_.refresh;
    due = true;
  }
  if (due && may && link_usable_) {
    out.push_back({guard_act::announce, guard_note::none});
  }
}

guard_rules::actions guard_rules::hold(mono_ns now, mono_ns deadline, std::uint64_t epoch) {
  if (deadline <= now || (holding_ && epoch == epoch_ && deadline <= deadline_) ||
      (holding_ && epoch < epoch_)) {
    return {};
  }
  deadline_ = deadline;
  epoch_ = epoch;
  if (holding_) {
    return {};
  }
  holding_ = true;
  stands_ = false;
  stood_ = false;
  restore_pending_ = false;
  renew_at_ = now + timing_.renew;
  start_announcing(now);
  actions out{{guard_act::add_address, guard_note::none}};
  announce_due(now, true, out);
  out.push_back({guard_act::tell_daemon, guard_note::held});
  return out;
}

guard_rules::actions guard_rules::drop(guard_note why) {
  holding_ = false;
  restore_pending_ = false;
  return {{guard_act::remove_address, guard_note::none}, {guard_act::tell_daemon, why}};
}

guard_rules::actions guard_rules::release(mono_ns) {
  // Removed even when we do not think that we hold it: what stands on the interface must not stay (VIP-04).
  return drop(guard_note::released);
}

guard_rules::actions guard_rules::daemon_gone(mono_ns) {
  const bool held = holding_;
  holding_ = false;
  actions out{{guard_act::remove_address, guard_note::none}};
  if (held) {
    out.push_back({guard_act::send_tickets, guard_note::none});
  }
  out.push_back({guard_act::finish, guard_note::none});
  return out;
}

guard_rules::actions guard_rules::tick(mono_ns now) {
  if (!holding_) {
    return {};
  }
  if (deadline_ <= now) {
    return drop(guard_note::lapsed);
  }
  actions out;
  bool may_announce = stands_;
  if (restore_pending_ && restore_after_ <= now) {
    restore_pending_ = false;
    restore_after_ = now + timing_.restore_spacing;
    renew_at_ = now + timing_.renew;
    start_announcing(now);
    out.push_back({guard_act::add_address, guard_note::none});
    out.push_back({guard_act::tell_daemon, stood_ ? guard_note::restored : guard_note::held});
    may_announce = true;
  } else if (renew_at_ <= now) {
    renew_at_ = now + timing_.renew;
    if (stands_) {
      out.push_back({guard_act::renew_address, guard_note::none});
    }
  }
  announce_due(now, may_announce, out);
  return out;
}

guard_rules::actions guard_rules::address_deleted(mono_ns now) {
  if (!holding_) {
    return {};
  }
  stands_ = false;
  restore_pending_ = true;
  restore_after_ = std::max(restore_after_, now);
  return tick(now);
}

guard_rules::actions guard_rules::claim(mono_ns now) {
  if (!holding_) {
    return {};
  }
  actions out{{guard_act::tell_daemon, guard_note::claim_heard}};
  if (stands_ && defend_after_ <= now) {
    defend_after_ = now + timing_.reclaim_spacing;
    out.insert(out.begin(), {guard_act::announce, guard_note::none});
  }
  return out;
}

guard_rules::actions guard_rules::link(mono_ns now, bool usable, bool changed) {
  const bool was = link_usable_;
  link_usable_ = usable;
  actions out;
  if (was != usable) {
    out.push_back({guard_act::tell_daemon, usable ? guard_note::link_back : guard_note::link_lost});
  }
  if (usable && holding_ && (!was || changed)) {
    // A link that comes back may have lost the address (IPv6), and another MAC must be announced.
    restore_pending_ = true;
    restore_after_ = now;
    const auto more = tick(now);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

void guard_rules::added() {
  stands_ = true;
  stood_ = true;
}

guard_rules::actions guard_rules::added_by_script(mono_ns now) {
  if (!holding_) {
    return {};
  }
  const auto note = stood_ ? guard_note::restored : guard_note::held;
  added();
  start_announcing(now);
  actions out;
  announce_due(now, true, out);
  out.push_back({guard_act::tell_daemon, note});
  return out;
}

guard_rules::actions guard_rules::add_failed(mono_ns now, bool by_script) {
  if (!holding_) {
    return {};
  }
  stands_ = false;
  restore_pending_ = true;
  restore_after_ = now + (by_script ? timing_.script_spacing : timing_.restore_spacing);
  return {{guard_act::tell_daemon, guard_note::failed}};
}

std::optional<mono_ns> guard_rules::next_deadline() const {
  if (!holding_) {
    return std::nullopt;
  }
  mono_ns next = std::min({deadline_, renew_at_, refresh_at_});
  if (announced_ < opening.size()) {
    next = std::min(next, announce_began_ + opening[announced_]);
  }
  if (restore_pending_) {
    next = std::min(next, restore_after_);
  }
  return next;
}

} // namespace holdfast::vip
