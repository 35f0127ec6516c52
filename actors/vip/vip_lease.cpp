#include "actors/vip/vip_lease.hpp"

namespace holdfast::vip {

bool vip_lease::may_hold(mono_ns now) const {
  return managed_ && guard_ && missing_.empty() && !ended_ && !asked_ && lease_.active &&
         lease_.until_us != 0 && deadline() > now && now >= lease_.clear_at_us * 1000;
}

void vip_lease::let_go(actions& out) {
  told_ = false;
  told_deadline_ = 0;
  releasing_ = true;
  out.emplace_back(lease_act::release{});
}

void vip_lease::decide(mono_ns now, actions& out) {
  if (!may_hold(now)) {
    if (told_)
      let_go(out);
    return;
  }
  if (ticket_epoch_ != lease_.epoch) {
    ticket_epoch_ = lease_.epoch;
    out.emplace_back(
        lease_act::tickets{lease_.epoch}); // before the first hold: the proof must be there by then
  }
  if (told_ && told_deadline_ == deadline())
    return;
  told_ = true;
  releasing_ = false;
  told_deadline_ = deadline();
  out.emplace_back(lease_act::hold{told_deadline_, lease_.epoch});
}

void vip_lease::answer(bool ok, actions& out) {
  if (!asked_)
    return;
  asked_ = false;
  out.emplace_back(lease_act::released{ok});
}

vip_lease::actions vip_lease::configured(mono_ns now, bool managed) {
  actions out;
  known_ = true;
  managed_ = managed;
  told_ = false; // the guard takes the old address off by itself when the configuration is another one
  told_deadline_ = 0;
  ticket_epoch_ = 0;
  failed_at_ = 0;
  if (!managed) {
    link_up_ = true;
    link_lost_ = false;
  }
  if (guard_)
    out.emplace_back(lease_act::configure{});
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::lease(mono_ns now, const msg::lease_state& state) {
  actions out;
  if (managed_ && guard_ && state.campaigning && !lease_.campaigning)
    out.emplace_back(lease_act::probe{});
  lease_ = state;
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::guard_ready(mono_ns now, const std::string& missing) {
  actions out;
  guard_ = true;
  missing_ = missing;
  guard_ready_at_ = now;
  told_ = false;
  on_ = false;
  releasing_ = false;
  ticket_epoch_ = 0;
  if (known_)
    out.emplace_back(lease_act::configure{});
  answer(true, out);
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::guard_adopted(mono_ns now, const std::string& missing) {
  guard_ = true;
  missing_ = missing;
  guard_ready_at_ = now;
  actions out;
  if (known_)
    out.emplace_back(lease_act::configure{});
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::guard_lost(mono_ns now, const std::string& why) {
  // What it had on the interface is taken off by its heir, which says that it is ready only then.
  guard_ = false;
  guard_lost_at_ = now;
  guard_why_ = why;
  told_ = false;
  releasing_ = false;
  return {};
}

vip_lease::actions vip_lease::noted(mono_ns now, guard_note note, const std::string& detail) {
  actions out;
  switch (note) {
  case guard_note::held:
  case guard_note::restored:
    on_ = true;
    failed_at_ = 0;
    break;
  case guard_note::released:
    on_ = false;
    if (releasing_ || !told_) {
      releasing_ = false;
      answer(true, out);
    }
    break;
  case guard_note::lapsed:
    on_ = false;
    told_ = false; // a lease that is extended after all takes it again
    told_deadline_ = 0;
    break;
  case guard_note::link_lost:
    link_up_ = false;
    link_since_ = now;
    break;
  case guard_note::link_back:
    link_up_ = true;
    link_since_ = now;
    break;
  case guard_note::failed:
    failed_at_ = now;
    failure_ = detail;
    break;
  default:
    break;
  }
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::release_asked(mono_ns now, bool for_good) {
  actions out;
  ended_ = ended_ || for_good;
  asked_ = true;
  if (guard_ && (told_ || (on_ && !releasing_)))
    let_go(out);
  if (!releasing_ && !on_)
    answer(true, out); // otherwise the guard answers, or its heir
  decide(now, out);
  return out;
}

vip_lease::actions vip_lease::tick(mono_ns now) {
  actions out;
  if (!link_up_ && now - link_since_ >= timing_.link_hold_down)
    link_lost_ = true;
  if (link_up_ && link_lost_ && now - link_since_ >= timing_.link_settle)
    link_lost_ = false;
  decide(now, out);
  return out;
}

std::string vip_lease::trouble(mono_ns now) const {
  if (!managed_)
    return {};
  if (!guard_)
    return guard_why_.empty() ? "the guard of the virtual address is starting" : guard_why_;
  if (!missing_.empty())
    return "the guard of the virtual address lacks " + missing_;
  if (guard_lost_at_ != 0 && now - guard_ready_at_ < timing_.guard_settle)
    return guard_why_;
  // A link that is back is no reason to leave, though not yet one to come: when all links return together,
  // nothing moves.
  if (link_lost_ && !link_up_)
    return "the link of the virtual address is down";
  if (failed_at_ != 0 && now - failed_at_ < timing_.failure_memory)
    return failure_;
  return {};
}

} // namespace holdfast::vip
