// When this node tells its guard to hold the address, and when it must let go: plain facts and their times go
// in, words for the guard come out. Pure; architecture §7, VIP-01, -03, -04, -10, -15.
//
// Times are nanoseconds of CLOCK_MONOTONIC.
#pragma once

#include "actors/vip/guard_rules.hpp"
#include "messages/vip.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::vip {

struct vip_timing {
  /// The guard's deadline stands this much before the lease's end: room for a guard that is scheduled late.
  mono_ns margin = 50'000'000;
  mono_ns link_hold_down = 300'000'000;    ///< a link that is gone for so long counts as lost (VIP-15)
  mono_ns link_settle = 1'000'000'000;     ///< and as back once it has stood for so long
  mono_ns failure_memory = 10'000'000'000; ///< how long a refused add or a failed script counts (VIP-10)
  mono_ns guard_settle = 1'000'000'000; ///< a guard that died counts as trouble until its heir lived so long
};

namespace lease_act {
struct configure {};
struct tickets {
  std::uint64_t epoch = 0;
};
struct hold {
  mono_ns deadline = 0;
  std::uint64_t epoch = 0;
};
struct release {};
struct probe {};
/// Answer to release_asked.
struct released {
  bool ok = false;
};
} // namespace lease_act
using lease_action = std::variant<lease_act::configure, lease_act::tickets, lease_act::hold,
                                  lease_act::release, lease_act::probe, lease_act::released>;

class vip_lease {
public:
  using actions = std::vector<lease_action>;
  explicit vip_lease(vip_timing timing = {}) : timing_(timing) {}

  /// Something to guard or not; a change takes the old address off first.
  actions configured(mono_ns now, bool managed);
  actions lease(mono_ns now, const msg::lease_state& state);
  /// A worker of the guard stands; what an earlier one left is off. `missing`: what it was not given.
  actions guard_ready(mono_ns now, const std::string& missing);
  /// The worker of an earlier life of the actor goes on; whether it holds is known once it says so.
  actions guard_adopted(mono_ns now, const std::string& missing);
  actions guard_lost(mono_ns now, const std::string& why);
  actions noted(mono_ns now, guard_note note, const std::string& detail);
  /// Somebody wants the address off. Answered by `released`, at once or when the guard has said so.
  actions release_asked(mono_ns now, bool for_good);
  actions tick(mono_ns now);

  /// Empty: this node can carry the address.
  [[nodiscard]] std::string trouble(mono_ns now) const;
  [[nodiscard]] bool holding() const { return on_ && guard_ && managed_; }
  [[nodiscard]] bool told_to_hold() const { return told_; }
  [[nodiscard]] bool guard_usable() const { return guard_ && missing_.empty(); }
  [[nodiscard]] const std::string& missing() const { return missing_; }
  [[nodiscard]] bool link_up() const { return link_up_; }
  /// Whether another member may hand the address over to this one: no trouble, and a link that has settled.
  [[nodiscard]] bool fit(mono_ns now) const { return trouble(now).empty() && link_up_ && !link_lost_; }
  [[nodiscard]] const msg::lease_state& last_lease() const { return lease_; }

private:
  void decide(mono_ns now, actions& out);
  void let_go(actions& out);
  void answer(bool ok, actions& out);
  [[nodiscard]] bool may_hold(mono_ns now) const;
  [[nodiscard]] mono_ns deadline() const { return lease_.until_us * 1000 - timing_.margin; }

  vip_timing timing_;
  bool known_ =
      false; ///< configured() was called: before it the guard keeps what it was told in an earlier life
  bool managed_ = false;
  bool guard_ = false;
  std::string missing_;
  msg::lease_state lease_;
  bool told_ = false; ///< the last word to this guard was hold
  bool on_ = true;    ///< the guard said so, or has said nothing yet
  bool ended_ = false;
  bool asked_ = false;     ///< somebody waits for the release
  bool releasing_ = false; ///< the guard was told and has not confirmed
  std::uint64_t ticket_epoch_ = 0;
  mono_ns told_deadline_ = 0;
  bool link_up_ = true;
  mono_ns link_since_ = 0;
  bool link_lost_ = false; ///< past the hold-down, and not yet settled again
  mono_ns failed_at_ = 0;
  std::string failure_;
  mono_ns guard_lost_at_ = 0;
  mono_ns guard_ready_at_ = 0;
  std::string guard_why_;
};

} // namespace holdfast::vip
