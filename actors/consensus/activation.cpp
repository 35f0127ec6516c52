#include "actors/consensus/activation.hpp"

namespace holdfast::consensus {

activation_step next_activation_step(const activation_facts& facts) {
  if (!facts.leader || facts.transferring)
    return activation_step::none;
  if (!facts.own_term_applied)
    return activation_step::none; // it does not know yet what it would serve
  // An unfit leader hands over as soon as there is somebody to hand over to, active or not; alone it keeps
  // what it has: a node that cannot write is worse off without a leader than with one that says why it
  // refuses.
  if (facts.observer || !facts.healthy) {
    return facts.other_candidate ? activation_step::hand_over : activation_step::none;
  }
  // Only towards somebody who is better off: when nobody's link is up the role stays where it is.
  if (!facts.carries_vip && facts.other_carries_vip)
    return activation_step::hand_over;
  if (facts.holds_activation || facts.proposed)
    return activation_step::none;
  return activation_step::activate;
}

} // namespace holdfast::consensus
