// Which release tickets this member believes, and which it passes on. A ticket comes by UDP from the guard of
// the dead holder, more than once, or over the link of a member that got it so; whoever first hears of it by
// UDP passes it on once to all others, so that one path to one member is enough. What came over a link is not
// passed on: every member has a link to every other, so nothing goes in circles. Pure.
#pragma once

#include "actors/vip/release_ticket.hpp"
#include "messages/vip.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace holdfast::vip {

enum class ticket_fate : std::uint8_t {
  taken,    ///< believed: the core is told, and the others when it came by UDP
  repeated, ///< known already: nothing happens
  refused,  ///< `reason` says why; nothing happens
};

struct ticket_verdict {
  ticket_fate fate = ticket_fate::refused;
  bool pass_on = false;
  release_ticket ticket; ///< empty unless its seal is good
  std::string reason;
};

class ticket_book {
public:
  /// `from`: raft id of the member whose link it came over; empty: by UDP.
  [[nodiscard]] ticket_verdict judge(std::string_view bytes, std::string_view from,
                                     const msg::vip_setup& setup, const msg::lease_state& lease);

private:
  std::deque<release_ticket> known_; ///< the newest ones
};

} // namespace holdfast::vip
