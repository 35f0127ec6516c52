// Messages a second of each actor, from the counters of its row (architecture §9). A rate is taken over the
// time since an earlier look, at least a second ago, so that whoever watches sees what happens now; the first
// look shows the mean since the actor started. Pure; one owner.
#pragma once

#include "messages/actors.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace holdfast::api {

class actor_rates {
public:
  /// One rate a row, in their order. `now_ms`: milliseconds since the Unix epoch.
  [[nodiscard]] std::vector<double> per_second(const std::vector<msg::actor_row>& rows, std::int64_t now_ms);

private:
  struct look {
    std::int64_t at_ms = 0; ///< 0: none yet
    std::map<std::string, std::uint64_t, std::less<>> messages;
  };
  look older_;
  look newer_;
};

} // namespace holdfast::api
