// What a start settles before any thread exists: the base root is ours, who this node is, what it runs with.
#pragma once

#include "actors/node/base_root.hpp"
#include "actors/node/host_facts.hpp"
#include "actors/node/instance_lock.hpp"
#include "actors/node/join_file.hpp"
#include "actors/node/settings.hpp"
#include "messages/fatal.hpp"
#include "messages/ha_state.hpp"
#include "net/signature.hpp"
#include "net/tls_context.hpp"

#include <optional>

namespace holdfast::daemon {

struct prepared {
  node::base_layout layout;
  node::instance_lock lock; ///< held as long as this lives
  msg::ha_state state;
  std::string raft_id; ///< what consensus calls this node; the ConsensusID unless it was enrolled again
  std::uint64_t incarnation = 1;
  std::optional<node::join_intent> join; ///< a join that goes on
  node::host_facts host;
  net::pem_pair certificate;
  std::optional<net::public_key> issuer; ///< of entitlements, see actors/node/entitlement.hpp
};

/// Fills `out`, or says why this start is refused. Blocking; main thread. Throws net::tls_error.
[[nodiscard]] std::optional<msg::fatal_report> prepare(const node::settings& settings, prepared& out);

} // namespace holdfast::daemon
