// The JSON of info and system/* (contract §7.1, §8.1; requirements STA-*). Pure; any thread. Nothing in here
// holds a secret except introduction_json.
#pragma once

#include "actors/api/node_port.hpp"
#include "messages/actors.hpp"
#include "messages/ha_state.hpp"
#include "messages/object_view.hpp"
#include "messages/vip.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::api {

/// GET info. `view` may be null (not serving): then stats stay empty, as on a passive node. Without `vip`
/// (its actor does not answer) the facts about the virtual address are missing, but for its configuration.
/// Without `license` (no entitlement is asked for), and on a passive node, License is empty.
[[nodiscard]] std::string info_json(const node_facts& facts, const msg::ha_state& state,
                                    const msg::consensus_status& status,
                                    const std::optional<msg::vip_status>& vip, const msg::object_view* view,
                                    const std::optional<msg::license_facts>& license);

/// Array of NodeInfo: every known member (STA-04).
[[nodiscard]] std::string peers_json(const msg::ha_state& state, const msg::consensus_status& status);
/// ClusterState plus Warnings (PRE-14), without secrets (STA-06).
[[nodiscard]] std::string fullstate_json(const node_facts& facts, const msg::ha_state& state,
                                         const msg::consensus_status& status);
/// GlobalHaState with Token and the roots' keys: superusers alone.
[[nodiscard]] std::string introduction_json(const node_facts& facts, const msg::ha_state& state);

/// One row an actor, keys as msg::actor_row in Go's case, with its rate and its mean time per message.
[[nodiscard]] std::string actors_json(const std::vector<msg::actor_row>& rows,
                                      const std::vector<double>& per_second);

/// PRE-14: what a cluster of that many members does not stand; empty when it is an odd count of 3 or more.
[[nodiscard]] std::string tolerance_warning(std::size_t members);

} // namespace holdfast::api
