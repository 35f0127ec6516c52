// One event on the wire (contract §6): Time, Type, Action, Key, Principal, Object, Original. Pure.
#pragma once

#include "messages/object_view.hpp"
#include "messages/transaction.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::api {

struct event {
  msg::log_time time;
  std::string type;
  std::string action;
  std::string key;
  std::string principal;
  std::string object = "null";   ///< JSON text
  std::string original = "null"; ///< JSON text
};

/// The event's JSON; stored texts are spliced, not decoded.
[[nodiscard]] std::string to_json(const event& e);

/// create, update or delete, as the contract names them.
[[nodiscard]] std::string_view action_word(msg::change::action what);
/// The event of one applied change.
[[nodiscard]] std::string to_json(const msg::change& change);

/// The body of POST events; a missing time is filled with `now`. Nothing when it is not an event; the reason
/// goes to `why`.
[[nodiscard]] std::optional<event> parse_event(std::string_view body, msg::log_time now, std::string& why);

} // namespace holdfast::api
