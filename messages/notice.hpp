// What watchers of events are told though no object changed (contract §6): something happened on a member.
#pragma once

#include "messages/transaction.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>

namespace holdfast::msg {

struct notice {
  log_time time; ///< by the clock of the member where it happened
  std::string type;
  std::string action;
  std::string key;
  std::string object; ///< JSON text
};
using notice_ptr = std::shared_ptr<const notice>;

} // namespace holdfast::msg

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::msg::notice_ptr)

namespace holdfast::msg {

using notice_atom = caf::atom_constant<caf::atom("notice")>;

/// Whoever has watchers. A notice that comes while it is being restarted is lost, as its watchers are.
using notice_sink_actor = caf::typed_actor<caf::reacts_to<notice_atom, notice_ptr>>;

} // namespace holdfast::msg
