#include "sim/checks.hpp"

#include "sim/invariants/durable_promise.hpp"
#include "sim/invariants/durable_quorum.hpp"
#include "sim/invariants/leader_completeness.hpp"
#include "sim/invariants/own_term_commit.hpp"
#include "sim/invariants/removed_quiet.hpp"

#include <raft/codec.hpp>

#include <algorithm>

namespace holdfast::raft::sim {

void checks::wrote(const node& on, const disk_write& what) {
  if (what.truncate_from)
    marks_.hit(mark::log_truncated);
  for (const auto& e : what.entries)
    if (const auto chain = on.store.written().chain_at(e.index);
        chain && matching_.written(e.index, e.term, *chain))
      marks_.hit(mark::term_reused_index);
}

void checks::leaves(const node& from, const message& what) {
  durable_promise::check(what, from.store.durable());
  votes_.sent(what);
}

void checks::stepped(node& on) {
  const auto now = on.brain->status();
  on.positions.check(now, {on.state.applied()});
  if (now.what == role::leader) {
    elections_.leads(now.term, on.id);
    if (on.last_role != role::leader)
      leader_completeness::check(truth, on.store.written(), now.term);
  }
  check_commit(on);
  if (const auto broken = on.brain->broken_invariant(); !broken.empty())
    throw violation{"the core's own invariants", broken};
}

void checks::check_commit(node& on) {
  if (!on.out.commit)
    return;
  const auto upto = *on.out.commit;
  const auto& log = on.store.written();
  const auto known = truth.last();
  if (upto <= known) {
    if (const auto chain = log.chain_at(upto); chain && *chain != truth.chain_at(upto))
      throw violation{"committed log",
                      "index " + std::to_string(upto.value) + " was committed twice, differently"};
    return;
  }
  check_quorum(on, upto);
  for (auto index = known.next(); index <= upto; index = index.next()) {
    const auto& e = log.at(index);
    truth.committed(e, log.chain_at(index).value());
    if (e.kind == kind_config) {
      const auto decoded = decode_config(e.payload ? *e.payload : std::string{}, on.brain->bounds());
      if (!std::holds_alternative<config>(decoded))
        throw violation{"configuration chain", "a committed configuration cannot be read"};
      if (configs.current().joint && e.term != config_term_)
        marks_.hit(mark::joint_left_after_crash);
      config_term_ = e.term;
      configs.committed(index, std::get<config>(decoded));
      marks_.hit(mark::config_changed);
    } else if (e.kind >= first_application_kind) {
      outcomes.committed(e);
    }
  }
  for (const auto& other : nodes_)
    if (other.leads())
      leader_completeness::check(truth, other.store.written(), other.brain->term());
}

void checks::check_quorum(const node& on, index_t upto) {
  const auto& log = on.store.written();
  if (on.last_role == role::leader || on.leads())
    own_term_commit::check(upto, log.at(upto).term, on.brain->term());
  const auto held = [&](index_t index) {
    return [this, chain = log.chain_at(index).value(), index](node_id id) {
      const auto found = std::ranges::find_if(nodes_, [&](const node& n) { return n.used && n.id == id; });
      if (found == nodes_.end())
        return false;
      const auto& durable = found->store.durable().log;
      return durable.base() > index || durable.holds(index, chain) ||
             (found->before_rot &&
              (found->before_rot->base() > index || found->before_rot->holds(index, chain)));
    };
  };
  try {
    durable_quorum::check(upto, on.last_config, held(upto));
  } catch (const violation&) {
    // Committing a joint configuration brings the next one into effect in the same step, and that one may let
    // more entries be committed at once.
    const auto joint = on.last_config_index;
    if (on.brain->members_index() <= joint || joint > upto)
      throw;
    durable_quorum::check(joint, on.last_config, held(joint));
    durable_quorum::check(upto, on.brain->members(), held(upto));
  }
}

void checks::heard(const node& on, node_id sender, term_t before, index_t committed_before) const {
  const auto removed = configs.removed_at(sender);
  if (!removed || committed_before < *removed)
    return;
  removed_quiet::check(true, on.brain->members().find(on.id) != nullptr, before, on.brain->term());
}

void checks::applied(const node& on, const entry& e, const answer& result) {
  if (!machines_.applied(e.index, on.state.hash()))
    return;
  if (e.index.value >= answers_.size())
    answers_.resize(e.index.value + 256);
  answers_[e.index.value] = result;
  if (e.kind < first_application_kind)
    return;
  const auto what = decode_command(*e.payload).value();
  once_.applied(e.index.value, what, result);
  if (result.repeated)
    marks_.hit(mark::retry_applied_once);
  else if (result.done)
    history.effect(e.index.value, what.key, what.value);
}

void checks::loaded(const node& on) {
  if (on.state.applied() != 0)
    machines_.applied({on.state.applied()}, on.state.hash());
}

} // namespace holdfast::raft::sim
