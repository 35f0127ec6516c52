// Who may be enrolled where, and with which settings: SEL-*, ENR-*, CFG-04, -19, -20, VER-02, -03, PRE-14 and
// REM-* as plain functions over plain facts. Every refusal says what is wrong and what to do. Pure; any
// thread.
#pragma once

#include "actors/node/host_facts.hpp"
#include "messages/cluster_records.hpp"
#include "messages/ha_state.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

/// Newest protocol between members this program speaks, and the oldest it still does (VER-03).
inline constexpr std::uint64_t member_protocol = 1;
inline constexpr std::uint64_t oldest_member_protocol = 1;

/// What a node knows of itself when it is asked to enrol.
struct enrolment_ground {
  msg::ha_state current;
  host_facts host;
  std::string drp_id;
  std::size_t members = 1;                             ///< of its present cluster, itself included
  bool removed = false;                                ///< it was taken out of a cluster
  std::function<bool(const std::string& ip)> can_bind; ///< CFG-19
  std::string vip_missing; ///< what carrying a virtual address needs and this process was not given
};

/// Each a full sentence; empty: it may go on. `posted` is the state sent to the node.
[[nodiscard]] std::vector<std::string> refuse_bootstrap(const msg::ha_state& posted,
                                                        const enrolment_ground& ground);
[[nodiscard]] std::vector<std::string> refuse_join(const msg::ha_state& posted,
                                                   const enrolment_ground& ground);

/// `posted` asks for what was done already: the same settings of this node in the same cluster, which is the
/// one that holds one of the roots posted. Whoever lost the answer to an enrolment and asks again is answered
/// as if the answer had arrived (ENR-16, SEL-10). `by_ticket`: what is of the cluster was not posted, and is
/// not compared.
[[nodiscard]] bool repeats_enrolment(const msg::ha_state& posted, const msg::ha_state& done, bool by_ticket);

/// What a joining node says of itself to the active.
struct candidate {
  msg::member_record record;
  std::string ha_id; ///< as posted to it; must be the cluster's
  bool load_balanced = false;
  std::string virt_addr;
  std::uint64_t protocol = member_protocol;
};
[[nodiscard]] std::vector<std::string> refuse_candidate(const candidate& who,
                                                        const msg::cluster_facts& cluster,
                                                        const msg::member_record& own,
                                                        std::size_t most_members);

/// Raft ids are single-use: the first incarnation is the ConsensusID itself, later ones are derived from it
/// (SHA-256, shaped as a version 8 UUID).
[[nodiscard]] std::string raft_id_of(std::string_view consensus_id, std::uint64_t incarnation);

/// How many members may fail at once.
[[nodiscard]] std::size_t tolerated_failures(std::size_t voters);
/// PRE-14, C-13: empty for an odd count of three or more.
[[nodiscard]] std::string size_warning(std::size_t voters);

} // namespace holdfast::node
