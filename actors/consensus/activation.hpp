// Leader and active are two things (architecture §3): only the active serves writes. Which of the leader's
// next steps is due is decided here, from plain facts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::consensus {

/// The activation that was applied last: who, and in which term. It holds only while that term does: a new
/// leader commits its own before anybody is active again (CON-10).
struct activation_facts {
  bool leader = false;
  bool own_term_applied = false;  ///< everything up to the leader's first own entry is applied here
  bool observer = false;          ///< votes and leads for a while, never becomes active (OBS-01)
  bool healthy = true;            ///< no critical actor failed, the disk takes writes
  bool holds_activation = false;  ///< applied: this node, this term
  bool proposed = false;          ///< an activation of this term is on its way
  bool other_candidate = false;   ///< some other voter could become active
  bool carries_vip = true;        ///< nothing keeps the virtual address from this node (VIP-10, VIP-15)
  bool other_carries_vip = false; ///< some other voter, not an observer and heard of, says that it could
  bool transferring = false;
};

enum class activation_step : std::uint8_t {
  none,
  activate,  ///< propose an activate entry for this node and term
  hand_over, ///< give leadership to the best candidate
};

[[nodiscard]] activation_step next_activation_step(const activation_facts& facts);

/// Whether this node is the active one right now.
[[nodiscard]] inline bool is_active(const activation_facts& facts) {
  return facts.leader && facts.holds_activation && !facts.transferring;
}

} // namespace holdfast::consensus
