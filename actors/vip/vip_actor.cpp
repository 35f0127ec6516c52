#include "actors/vip/vip_actor.hpp"

#include "actors/vip/member_digest.hpp"
#include "actors/vip/release_ticket.hpp"
#include "actors/vip/script_runner.hpp"
#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace holdfast::vip {

namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr mono_ns repeat_interval = 500'000'000;
constexpr mono_ns digest_lifetime = 2'000'000'000;
constexpr std::uint16_t probe_ms = 40;

std::int64_t wall_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string source_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

} // namespace

vip_impl::vip_impl(caf::actor_config& cfg, runtime::card_ptr card, vip_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {}

vip_impl::behavior_type vip_impl::make_behavior() {
  const auto self = caf::actor_cast<caf::actor>(address());
  guard_link::listener to;
  to.on_message = [self](to_daemon::message said) {
    caf::anon_send(self, guard_atom::value,
                   guard_message_ptr(std::make_shared<const to_daemon::message>(std::move(said))));
  };
  to.on_adopted = [self](to_daemon::ready ready) {
    caf::anon_send(self, adopted_atom::value, std::move(ready.missing));
  };
  to.on_lost = [self](const std::string& why) { caf::anon_send(self, lost_atom::value, why); };
  config_.guard->listen(std::move(to));
  delayed_send(this, tick_interval, caf::tick_atom::value);
  return {
      [this](msg::setup_atom, const msg::vip_setup_ptr& setup) { set_up(setup); },
      [this](msg::lease_atom, const msg::lease_state& lease) { perform(rules_.lease(mono_now(), lease)); },
      [this](msg::release_atom, bool for_good) {
        auto promise = make_response_promise<release_promise>();
        waiting_.push_back(promise);
        perform(rules_.release_asked(mono_now(), for_good));
        return promise;
      },
      [this](msg::digest_atom, const std::string& peer, const std::string& bytes) {
        take_digest(peer, bytes);
      },
      [this](msg::notice_atom, const std::string& peer, const std::string& bytes) {
        if (const auto notice = decode_notice(bytes))
          pass_on(peer, *notice);
      },
      [this](msg::ticket_atom, const std::string& peer, const std::string& bytes) {
        take_ticket(bytes, peer);
      },
      [this](caf::tick_atom) { tick(); },
      [this](msg::status_atom) { return status(); },
      [this](guard_atom, const guard_message_ptr& said) { from_guard(*said); },
      [this](adopted_atom, const std::string& missing) {
        perform(rules_.guard_adopted(mono_now(), missing));
      },
      [this](lost_atom, const std::string& why) { on_guard_lost(why); },
      [this](msg::ticket_atom, const std::string& bytes) { take_ticket(bytes, {}); },
  };
}

void vip_impl::set_up(const msg::vip_setup_ptr& setup) {
  const bool other = !std::exchange(set_up_, true) || setup->managed != setup_.managed ||
                     setup->cidr != setup_.cidr || setup->interface != setup_.interface ||
                     setup->script != setup_.script;
  setup_ = *setup;
  if (setup_.own_address != tickets_at_)
    listen_for_tickets(setup_.own_address);
  if (other) {
    spdlog::info("{}", msg::log_line("vip_configured")
                           .with("managed", setup_.managed)
                           .with("address", setup_.cidr)
                           .with("interface", setup_.interface)
                           .with("script", setup_.script)
                           .str());
    perform(rules_.configured(mono_now(), setup_.managed));
  } else if (rules_.told_to_hold()) {
    leave_tickets(rules_.last_lease().epoch); // members or roots are others now
  }
  tell_fitness();
}

void vip_impl::listen_for_tickets(const std::string& address) {
  if (tickets_)
    tickets_->close();
  tickets_.reset();
  tickets_at_.clear();
  if (address.empty())
    return;
  const auto self = caf::actor_cast<caf::actor>(this->address());
  tickets_ = std::make_shared<ticket_listener>(config_.executor, [self](std::string bytes) {
    caf::anon_send(self, msg::ticket_atom::value, std::move(bytes));
  });
  if (const auto why = tickets_->open(address); !why.empty()) {
    spdlog::warn("{}", msg::log_line("vip_tickets_not_heard").with("at", address).with("reason", why).str());
    tickets_.reset();
    return;
  }
  tickets_at_ = address;
}

void vip_impl::perform(const vip_lease::actions& todo) {
  for (const auto& action : todo) {
    if (std::get_if<lease_act::configure>(&action)) {
      to_guard::configure what;
      if (setup_.managed)
        what = {setup_.cidr, setup_.interface, setup_.script};
      config_.guard->send(what);
    } else if (const auto* tickets = std::get_if<lease_act::tickets>(&action)) {
      leave_tickets(tickets->epoch);
    } else if (const auto* hold = std::get_if<lease_act::hold>(&action)) {
      config_.guard->send(to_guard::hold{hold->deadline, hold->epoch});
    } else if (std::get_if<lease_act::release>(&action)) {
      config_.guard->send(to_guard::release{});
    } else if (std::get_if<lease_act::probe>(&action)) {
      config_.guard->send(to_guard::probe{probe_ms});
    } else if (const auto* released = std::get_if<lease_act::released>(&action)) {
      for (auto& promise : std::exchange(waiting_, {}))
        promise.deliver(released->ok);
    }
  }
}

/// The proof that this holder is gone is left with the guard before it holds.
void vip_impl::leave_tickets(std::uint64_t epoch) {
  if (setup_.root_keys.empty())
    return;
  to_guard::tickets out;
  out.epoch = epoch;
  out.payload = sign_ticket({epoch, setup_.cluster_id, setup_.self}, setup_.root_keys.front());
  out.source_ip = source_of(setup_.own_address);
  out.targets = setup_.targets;
  if (out.targets.size() > max_ticket_targets)
    out.targets.resize(max_ticket_targets);
  config_.guard->send(out);
}

void vip_impl::take_ticket(const std::string& bytes, const std::string& from) {
  const auto verdict = book_.judge(bytes, from, setup_, rules_.last_lease());
  const auto& ticket = verdict.ticket;
  if (verdict.fate == ticket_fate::repeated) {
    ++counts_.tickets_repeated;
  } else if (verdict.fate == ticket_fate::refused) {
    if (++counts_.tickets_refused == 1 || counts_.tickets_refused % 1000 == 0)
      spdlog::warn("{}", msg::log_line("vip_ticket_refused")
                             .with("reason", verdict.reason)
                             .with("holder", ticket.holder)
                             .with("epoch", ticket.epoch)
                             .with("from", from)
                             .with("count", counts_.tickets_refused)
                             .str());
  } else {
    ++counts_.tickets_taken;
    spdlog::info("{}", msg::log_line("vip_ticket")
                           .with("holder", ticket.holder)
                           .with("epoch", ticket.epoch)
                           .with("from", from)
                           .str());
    send(config_.consensus, msg::ticket_atom::value, ticket.epoch);
    if (verdict.pass_on) {
      ++counts_.tickets_relayed;
      send(config_.links, msg::ticket_atom::value, bytes);
    }
  }
}

void vip_impl::from_guard(const to_daemon::message& said) {
  if (const auto* note = std::get_if<to_daemon::note>(&said)) {
    on_note(*note);
  } else if (const auto* ready = std::get_if<to_daemon::ready>(&said)) {
    on_ready(*ready);
  } else if (const auto* probed = std::get_if<to_daemon::probe_result>(&said);
             probed && !probed->mac.empty()) {
    // Whoever answers holds it without a lease, or has not heard yet: the lease decides, people are told.
    spdlog::warn("{}", msg::log_line("vip_probe_answered").with("mac", probed->mac).str());
  }
}

void vip_impl::on_ready(const to_daemon::ready& ready) {
  spdlog::info("{}", msg::log_line("vip_guard_ready")
                         .with("pid", config_.guard->worker())
                         .with("missing", ready.missing)
                         .str());
  if (std::exchange(guard_died_, false))
    tell_watchers(vip_change::guard_restarted, rules_.last_lease().epoch, ready.missing);
  perform(rules_.guard_ready(mono_now(), ready.missing));
  tell_fitness();
}

void vip_impl::on_guard_lost(const std::string& why) {
  spdlog::error("{}", msg::log_line("vip_guard_lost").with("reason", why).str());
  ++counts_.guard_restarts;
  guard_died_ = true;
  tell_watchers(vip_change::guard_died, rules_.last_lease().epoch, why);
  perform(rules_.guard_lost(mono_now(), why));
  tell_fitness();
}

void vip_impl::report(spdlog::level::level_enum level, const char* line, vip_change what, std::uint64_t epoch,
                      const std::string& detail) {
  spdlog::log(level, "{}",
              msg::log_line(line)
                  .with("address", setup_.cidr)
                  .with("interface", setup_.interface)
                  .with("epoch", epoch)
                  .with("detail", detail)
                  .str());
  tell_watchers(what, epoch, detail);
}

/// A watcher is connected to the active, wherever the change was: so the others hear of it as well.
void vip_impl::tell_watchers(vip_change what, std::uint64_t epoch, const std::string& detail) {
  if (!setup_.managed)
    return;
  const vip_notice notice{what, epoch, wall_ms(), setup_.cidr, setup_.interface, detail};
  pass_on(setup_.self, notice);
  send(config_.links, msg::notice_atom::value, encode_notice(notice));
}

void vip_impl::pass_on(const std::string& member, const vip_notice& notice) {
  const auto known = setup_.members.find(member);
  const auto& name = known != setup_.members.end() ? known->second : member;
  send(config_.watchers, msg::notice_atom::value,
       msg::notice_ptr(std::make_shared<const msg::notice>(to_event(notice, name))));
}

void vip_impl::on_note(const to_daemon::note& note) {
  using enum spdlog::level::level_enum;
  const auto now = mono_now();
  const auto detail = readable(note.detail);
  const auto say = [&](spdlog::level::level_enum level, const char* line, vip_change what) {
    report(level, line, what, note.epoch, detail);
  };
  switch (note.what) {
  case guard_note::held:
    if (!rules_.holding()) {
      ++counts_.taken;
      say(info, "vip_taken", vip_change::taken);
    }
    break;
  case guard_note::released:
    if (rules_.holding()) {
      ++counts_.released;
      say(info, "vip_released", vip_change::released);
    }
    break;
  case guard_note::lapsed:
    ++counts_.lapsed;
    say(warn, "vip_lapsed", vip_change::lost);
    break;
  case guard_note::restored:
    ++counts_.restored;
    say(warn, "vip_restored", vip_change::restored);
    break;
  case guard_note::stray:
    ++counts_.strays;
    say(warn, "vip_stray_removed", vip_change::stray_removed);
    break;
  case guard_note::claim_heard:
    conflict_at_ = now;
    if (counts_.conflict_mac != detail || counts_.conflicts % 100 == 0)
      say(warn, "vip_conflict", vip_change::conflict);
    ++counts_.conflicts;
    counts_.conflict_mac = detail;
    break;
  case guard_note::announced:
    ++counts_.announcements;
    announced_at_ = now;
    break;
  case guard_note::link_lost:
    say(warn, "vip_link_lost", vip_change::link_lost);
    break;
  case guard_note::link_back:
    say(info, "vip_link_back", vip_change::link_back);
    break;
  case guard_note::failed:
    if (counts_.last_error != detail)
      say(err, "vip_failed", vip_change::failed);
    counts_.last_error = detail;
    break;
  case guard_note::none:
    break;
  }
  perform(rules_.noted(now, note.what, detail));
  tell_fitness();
}

void vip_impl::take_digest(const std::string& peer, const std::string& bytes) {
  if (const auto digest = decode_digest(bytes)) {
    members_[peer] = {digest->fit, mono_now()};
    tell_fitness();
  }
}

void vip_impl::tick() {
  delayed_send(this, tick_interval, caf::tick_atom::value);
  const auto now = mono_now();
  config_.guard->check_alive(now);
  perform(rules_.tick(now));
  tell_fitness();
}

void vip_impl::tell_fitness() {
  const auto now = mono_now();
  msg::vip_fitness fitness;
  fitness.managed = setup_.managed;
  fitness.trouble = rules_.trouble(now);
  for (const auto& [peer, word] : members_) {
    if (word.fit && now - word.heard < digest_lifetime) {
      if (const auto id = raft::parse_node_id(peer))
        fitness.fit.push_back(*id);
    }
  }
  if (fitness.trouble != told_.trouble) {
    spdlog::log(fitness.trouble.empty() ? spdlog::level::info : spdlog::level::err, "{}",
                msg::log_line("vip_health")
                    .with("fit", fitness.trouble.empty())
                    .with("reason", fitness.trouble)
                    .str());
    tell_watchers(fitness.trouble.empty() ? vip_change::fit : vip_change::unfit, rules_.last_lease().epoch,
                  fitness.trouble);
  }
  // Repeated also when nothing changed: a consensus actor that was restarted knows nothing, nor does a
  // member.
  const bool due = now - repeated_at_ >= repeat_interval;
  if (due || !(fitness == told_)) {
    told_ = fitness;
    send(config_.consensus, msg::fitness_atom::value, fitness);
  }
  // Without the hold-down: whoever looks for somebody better off must not be led to a link that just went.
  auto digest = encode_digest({rules_.fit(now)});
  if (setup_.managed && (due || digest != digest_sent_)) {
    digest_sent_ = digest;
    send(config_.links, msg::digest_atom::value, std::move(digest));
  }
  if (due)
    repeated_at_ = now;
}

msg::vip_status vip_impl::status() const {
  const auto now = mono_now();
  auto out = counts_;
  out.managed = setup_.managed;
  out.cidr = setup_.cidr;
  out.interface = setup_.interface;
  out.script = setup_.script;
  out.holding = rules_.holding();
  const auto& lease = rules_.last_lease();
  out.epoch = lease.epoch;
  out.lease_left_ms =
      lease.until_us == 0 ? 0 : std::max<std::int64_t>(0, (lease.until_us * 1000 - now) / mono_ms);
  out.guard_pid = config_.guard->worker();
  out.keeper_pid = config_.guard->keeper();
  out.guard_ready = rules_.guard_usable();
  out.guard_missing = rules_.missing();
  out.link_up = rules_.link_up();
  out.trouble = rules_.trouble(now);
  out.announced_ms = announced_at_ == 0 ? -1 : (now - announced_at_) / mono_ms;
  out.conflict_ms = conflict_at_ == 0 ? -1 : (now - conflict_at_) / mono_ms;
  return out;
}

void vip_impl::abandon() {
  config_.guard->listen({});
  if (tickets_)
    tickets_->close();
  for (auto& promise : std::exchange(waiting_, {}))
    promise.deliver(false);
  config_.consensus = nullptr;
  config_.links = nullptr;
  config_.watchers = nullptr;
}

} // namespace holdfast::vip
