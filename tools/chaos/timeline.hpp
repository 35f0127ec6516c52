// What happened in a run, in order: faults, roles, latencies. Filled while it runs, read by the checkers and
// the reports. Values only; times are nanoseconds of the run's steady clock.
#pragma once

#include "tools/chaos/added.hpp"
#include "tools/chaos/history.hpp"
#include "tools/chaos/writers.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::chaos {

struct timeline_event {
  std::int64_t at = 0;
  std::string what;
  bool harms_active = false; ///< may take the active away
  std::string failure{};     ///< why it could not be done
};

/// One member's answer to "are you the active one?".
struct role_sample {
  std::int64_t asked = 0;
  std::int64_t answered = 0;
  unsigned member = 0;
  bool active = false;
  bool reached = false;
};

struct holder_sample {
  std::int64_t at = 0;
  std::vector<unsigned> holders; ///< of the virtual address
};

/// The end of one write or read, for plots and for the time of a failover.
struct tick {
  std::int64_t called = 0;
  std::int64_t returned = 0;
  bool write = false;
  op_outcome outcome = op_outcome::ok;
  bool failed = false; ///< not served although the member asked was there: 5xx, or no answer
};

struct run_record {
  history registers;
  std::vector<addition> set;
  std::vector<addition> appended;
  std::vector<tick> ticks;
  std::vector<timeline_event> events;
  std::vector<term_start> terms; ///< from the members' logs, in order of time
  bool true_clocks = true;       ///< the logs' times can be believed
  std::vector<acknowledgement> acknowledged;
  std::vector<std::string> failures; ///< what the first failed requests were answered, see tick::failed
  std::vector<role_sample> roles;
  std::vector<holder_sample> holders;
  std::int64_t load_from = 0;
  std::int64_t load_until = 0;
};

struct latency_summary {
  std::size_t acknowledged = 0;
  std::size_t refused = 0;
  std::size_t unknown = 0;
  double median_ms = 0;
  double p99_ms = 0;
  double longest_ms = 0;
};
[[nodiscard]] latency_summary summarize(const std::vector<tick>& ticks, bool writes);

/// From each event that harms the active to the end of the first acknowledged write that was called after it.
/// Nothing for an event after which no write was acknowledged before the next such event or the end of the
/// load.
struct failover {
  std::int64_t at = 0;
  std::string after;
  std::optional<std::int64_t> took;
};
[[nodiscard]] std::vector<failover> failovers(const run_record& run);

/// At no sample two holders of the virtual address. One line a violation, at most 20.
[[nodiscard]] std::vector<std::string> check_holders(const std::vector<holder_sample>& samples);

/// The longest time for which two members are proven to have called themselves active at once: one said so
/// before and after the other did, with no other word of its own in between.
struct role_overlap {
  std::int64_t length = 0;
  unsigned first = 0;
  unsigned second = 0;
  std::int64_t at = 0;
};
[[nodiscard]] role_overlap longest_overlap(const std::vector<role_sample>& samples);

} // namespace holdfast::chaos
