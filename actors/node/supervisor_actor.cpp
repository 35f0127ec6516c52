#include "actors/node/supervisor_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace holdfast::node {

namespace {

constexpr auto look_every = std::chrono::seconds(1);

} // namespace

supervisor_impl::supervisor_impl(caf::actor_config& cfg, runtime::card_ptr card, supervisor_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {
  for (std::size_t i = 0; i < config_.groups.size(); ++i)
    groups_.push_back({restart_policy(config_.limits), {}, false, false});
}

supervisor_impl::behavior_type supervisor_impl::make_behavior() {
  using namespace msg;
  set_down_handler([this](caf::scheduled_actor*, caf::down_msg& down) { child_ended(down); });
  set_exit_handler([this](caf::scheduled_actor*, caf::exit_msg&) {
    ending_ = true;
    end_next_group();
  });
  for (std::size_t at = 0; at < groups_.size(); ++at)
    start_group(at);
  delayed_send(this, look_every, look_atom::value);
  return {
      [this](actors_atom) { return config_.directory->rows(); },
      [this](control_atom, const std::string& verb, const std::string& name) { return control(verb, name); },
      [this](again_atom, std::uint64_t at) { start_group(at); },
      [this](look_atom) {
        look_for_stuck();
        if (!ending_)
          delayed_send(this, look_every, look_atom::value);
      },
      [this](due_atom, const std::string& name, std::uint64_t number) { end_suspension(name, number); },
  };
}

void supervisor_impl::start_group(std::size_t at) {
  if (ending_)
    return;
  auto& group = groups_[at];
  const auto& spec = config_.groups[at];
  group.stopping = false;
  try {
    group.actors = spec.start();
  } catch (...) {
    const auto why = runtime::describe(std::current_exception());
    spdlog::error("{}", msg::log_line("start_failed").with("group", spec.name).with("reason", why).str());
    group.actors.clear();
    return group_gone(at);
  }
  for (const auto& actor : group.actors)
    monitor(actor);
  if (!unhealthy_.empty() && config_.verdict)
    config_.verdict(false, unhealthy_); // whoever just began was not told
}

void supervisor_impl::child_ended(const caf::down_msg& down) {
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    auto& group = groups_[at];
    const auto found = std::find_if(group.actors.begin(), group.actors.end(), [&](const caf::actor& actor) {
      return actor && actor.address() == down.source;
    });
    if (found == group.actors.end())
      continue;
    const auto& name = config_.groups[at].members[static_cast<std::size_t>(found - group.actors.begin())];
    *found = nullptr;
    if (!ending_ && !std::exchange(group.stopping, true)) {
      spdlog::warn("{}", msg::log_line("actor_ended")
                             .with("name", name)
                             .with("group", config_.groups[at].name)
                             .with("reason", system().render(down.reason))
                             .str());
      set_states(at, runtime::life_state::restarting);
      if (config_.groups[at].stopped)
        config_.groups[at].stopped();
      for (const auto& actor : group.actors) {
        if (actor)
          caf::anon_send_exit(actor, caf::exit_reason::kill);
      }
    }
    if (all_gone(group))
      group_gone(at);
    return;
  }
}

void supervisor_impl::group_gone(std::size_t at) {
  if (ending_) {
    // Also now nothing may be left aimed at them: a handle in a forgotten callback would keep a dead actor.
    if (config_.groups[at].stopped)
      config_.groups[at].stopped();
    return end_next_group();
  }
  auto& group = groups_[at];
  const auto pause = group.policy.on_end(clock().now());
  if (!pause) {
    group.failed = true;
    set_states(at, runtime::life_state::failed);
    spdlog::critical("{}",
                     msg::log_line("actor_failed")
                         .with("group", config_.groups[at].name)
                         .with("restarts", config_.limits.most)
                         .with("advice", "see the errors above; restart the daemon once their cause is gone")
                         .str());
    return give_verdict();
  }
  set_states(at, runtime::life_state::restarting);
  for (const auto& name : config_.groups[at].members) {
    if (const auto card = config_.directory->find(name))
      card->count_restart();
  }
  delayed_send(this, *pause, again_atom::value, static_cast<std::uint64_t>(at));
}

void supervisor_impl::set_states(std::size_t at, runtime::life_state state) {
  for (const auto& name : config_.groups[at].members) {
    if (const auto card = config_.directory->find(name))
      card->set_state(state);
  }
}

void supervisor_impl::give_verdict() {
  std::string reason;
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    if (!config_.groups[at].critical)
      continue;
    for (const auto& name : config_.groups[at].members) {
      if (const auto seen = seen_.find(name); seen != seen_.end() && seen->second.stuck)
        reason = name + " handles none of its messages";
    }
    if (groups_[at].failed)
      reason = config_.groups[at].name + " failed for good";
  }
  if (reason == unhealthy_)
    return;
  unhealthy_ = reason;
  if (config_.verdict)
    config_.verdict(unhealthy_.empty(), unhealthy_);
}

void supervisor_impl::look_for_stuck() {
  const auto now = clock().now();
  for (const auto& group : config_.groups) {
    for (const auto& name : group.members) {
      const auto card = config_.directory->find(name);
      if (!card)
        continue;
      const auto row = card->row();
      auto& seen = seen_[name];
      if (row.mailbox == 0 || row.id != seen.id || row.messages != seen.messages) {
        if (seen.stuck)
          spdlog::warn("{}", msg::log_line("actor_moves_again").with("name", name).str());
        seen = {row.id, row.messages, now, false};
      } else if (!seen.stuck && now - seen.since >= config_.stuck_after) {
        seen.stuck = true;
        spdlog::error("{}", msg::log_line("actor_stuck")
                                .with("name", name)
                                .with("waiting", row.mailbox)
                                .with("state", row.state)
                                .with("advice", "resume it if it is suspended; else look at this host's disk "
                                                "and load, and restart the daemon if it stays so")
                                .str());
      }
    }
  }
  give_verdict();
}

// One group at a time, the last started first: whoever uses another ends before it.
void supervisor_impl::end_next_group() {
  for (std::size_t at = groups_.size(); at-- > 0;) {
    auto& group = groups_[at];
    if (all_gone(group))
      continue;
    if (!std::exchange(group.stopping, true)) {
      for (const auto& actor : group.actors) {
        if (actor)
          caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
      }
    }
    return;
  }
  quit(caf::exit_reason::user_shutdown);
}

caf::actor supervisor_impl::child(const std::string& name) const {
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    const auto& members = config_.groups[at].members;
    const auto found = std::find(members.begin(), members.end(), name);
    const auto position = static_cast<std::size_t>(found - members.begin());
    if (found != members.end() && position < groups_[at].actors.size())
      return groups_[at].actors[position];
  }
  return nullptr;
}

std::string supervisor_impl::control(const std::string& verb, const std::string& name) {
  if (name == card()->name())
    return "the root supervisor cannot be controlled; stop the daemon instead";
  const bool known = std::any_of(config_.groups.begin(), config_.groups.end(), [&](const auto& group) {
    return std::find(group.members.begin(), group.members.end(), name) != group.members.end();
  });
  if (!known)
    return "no actor of that name";
  const auto actor = child(name);
  const auto its_card = config_.directory->find(name);
  if (!its_card || !actor)
    return name + " is not running";
  spdlog::warn("{}", msg::log_line("actor_control").with("verb", verb).with("name", name).str());
  if (verb == "kill")
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  else if (verb == "suspend")
    suspend(name, *its_card);
  else if (verb == "resume")
    runtime::resume_actor(*its_card, actor);
  else
    return "unknown verb " + verb + ": kill, suspend or resume";
  return {};
}

void supervisor_impl::suspend(const std::string& name, runtime::actor_card& card) {
  card.suspend(true);
  delayed_send(this, config_.suspend_limit, due_atom::value, name, ++suspensions_[name]);
}

// Whoever suspended it may have lost the way back: the API itself can be what stands still.
void supervisor_impl::end_suspension(const std::string& name, std::uint64_t number) {
  const auto card = config_.directory->find(name);
  const auto actor = child(name);
  if (number != suspensions_[name] || !card || !actor || !card->suspended())
    return;
  spdlog::warn("{}",
               msg::log_line("actor_resumed").with("name", name).with("reason", "the time is over").str());
  runtime::resume_actor(*card, actor);
}

bool supervisor_impl::all_gone(const group_state& group) {
  return std::none_of(group.actors.begin(), group.actors.end(), [](const caf::actor& a) { return bool(a); });
}

void supervisor_impl::abandon() {
  for (auto& group : groups_)
    group.actors.clear();
}

} // namespace holdfast::node
