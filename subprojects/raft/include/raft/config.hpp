// Membership. Every config entry carries the whole configuration, so reverting a truncated one is taking the
// one before. Changes of the voter set go through a joint configuration (thesis §4.3); a joint one holds, per
// member, whether it votes in the new set (`voter`) and in the old one (`outgoing`).
#pragma once

#include <raft/limits.hpp>
#include <raft/types.hpp>

#include <variant>

namespace holdfast::raft {

struct member {
  node_id id;
  std::string address;   ///< opaque to the core
  bool voter = false;    ///< votes in the new (or only) set; false and not outgoing: a learner
  bool outgoing = false; ///< joint only: votes in the old set
  bool leaving = false;  ///< joint only: gone once the joint phase ends (otherwise it stays as a learner)
  bool observer =
      false; ///< votes and holds all data, may lead for a while, never becomes active (OBS-01..08)
  bool operator==(const member&) const = default;
  [[nodiscard]] bool votes() const { return voter || outgoing; }
};

struct config {
  std::vector<member> members;  ///< sorted by id
  std::vector<node_id> removed; ///< ids that may never come back, oldest first
  bool joint = false;
  bool operator==(const config&) const = default;

  [[nodiscard]] const member* find(node_id id) const;
  [[nodiscard]] bool is_voter(node_id id) const; ///< in either set
  [[nodiscard]] bool is_removed(node_id id) const;
  [[nodiscard]] std::size_t voter_count() const;   ///< of the new set
  [[nodiscard]] bool sole_voter(node_id id) const; ///< not joint and `id` alone decides
};

enum class change_kind : std::uint8_t { add_learner = 1, promote, demote, remove, set_observer, set_address };

struct membership_change {
  change_kind kind = change_kind::add_learner;
  node_id id;
  std::string address;   ///< add_learner, set_address
  bool observer = false; ///< add_learner, set_observer
  bool force = false;    ///< remove and demote: even if the live members then have no majority (REM-06)
};

enum class change_error : std::uint8_t {
  none,
  busy, ///< another change is under way, or the leader's own first entry is not committed yet
  already_member,
  id_was_removed, ///< ids are single-use
  not_a_member,
  not_a_learner,
  not_a_voter,
  not_caught_up,     ///< ENR-12: a learner gets the vote only after catching up
  would_lose_quorum, ///< REM-06
  last_voter,
  too_many_members,
  bad_address,
};
[[nodiscard]] const char* to_string(change_error e);

/// The configuration after `change`: joint when the voter set differs, otherwise final. Checks what can be
/// checked from the configuration alone. `current` must not be joint.
[[nodiscard]] std::variant<config, change_error>
apply_change(const config& current, const membership_change& change, const limits& lim);
/// The configuration that follows a joint one.
[[nodiscard]] config leave_joint(const config& joint, const limits& lim);
/// A first configuration in which the given members vote.
[[nodiscard]] config make_config(const std::vector<node_id>& voters);
/// Why this configuration may not be used (empty: it may): order, duplicates, flags, bounds.
[[nodiscard]] std::string invalid_reason(const config& c, const limits& lim);

} // namespace holdfast::raft
