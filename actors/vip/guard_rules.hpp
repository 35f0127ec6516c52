// What the guard does, without the operating system: events with their time go in, actions come out. The
// guard is the second of the three that enforce the lease (architecture §7): it takes the address away by
// itself when the deadline it was given passes or the daemon is gone, whatever the daemon does.
//
// Times are nanoseconds of CLOCK_MONOTONIC, which daemon and guard share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::vip {

using mono_ns = std::int64_t;
/// One millisecond of it.
inline constexpr mono_ns mono_ms = 1'000'000;

struct guard_timing {
  mono_ns renew = 1'000'000'000; ///< how often valid_lft is set anew while held
  /// valid_lft, the third line of defence. The kernel drops an address up to half a second late: with 2 it is
  /// gone within the 3 s that are promised.
  std::uint32_t kernel_lifetime_s = 2;
  mono_ns refresh = 30'000'000'000;        ///< announcement while nothing happens
  mono_ns reclaim_spacing = 1'000'000'000; ///< at most one defence of the address in this time
  mono_ns restore_spacing = 200'000'000;   ///< at most one re-add after a foreign delete in this time
  mono_ns script_spacing = 1'000'000'000;  ///< a script that failed is not run again before
};

enum class guard_act : std::uint8_t {
  add_address,    ///< with the kernel lifetime
  renew_address,  ///< sets that lifetime anew
  remove_address, ///< also when it may not be there; what follows waits until it is surely off
  announce,       ///< both gratuitous forms / unsolicited NA
  send_tickets,   ///< the daemon is dead and the address is off: tell every member
  tell_daemon,    ///< `note` says what happened
  finish,         ///< nothing left to guard: end the process
};

enum class guard_note : std::uint8_t {
  none,
  held,        ///< the address is on and announced
  released,    ///< taken off as asked
  lapsed,      ///< taken off because the deadline passed
  restored,    ///< somebody deleted it; it is back
  claim_heard, ///< another MAC claims the address while we hold it
  link_lost,   ///< interface gone, down or without carrier
  link_back,
  failed,    ///< the kernel refused; the daemon must not think that it holds
  stray,     ///< somebody put it on while we do not hold it; it is off again
  announced, ///< both forms were sent
};

struct guard_action {
  guard_act what = guard_act::tell_daemon;
  guard_note note = guard_note::none;
};

class guard_rules {
public:
  using actions = std::vector<guard_action>;
  explicit guard_rules(guard_timing timing = {}) : timing_(timing) {}

  /// The daemon holds the lease until `deadline`. The first one takes the address. A deadline in the past, or
  /// one that goes back, takes nothing and extends nothing.
  actions hold(mono_ns now, mono_ns deadline, std::uint64_t epoch);
  /// The daemon gives the address up.
  actions release(mono_ns now);
  /// The daemon's end of the socket is closed: it is dead.
  actions daemon_gone(mono_ns now);
  /// Time passes; call at `next_deadline` at the latest.
  actions tick(mono_ns now);
  /// The kernel says that our address was taken off by somebody else.
  actions address_deleted(mono_ns now);
  /// A frame from another MAC claims the address.
  actions claim(mono_ns now);
  /// usable: up, with carrier. `changed`: the MAC or the interface index is another one than before.
  actions link(mono_ns now, bool usable, bool changed);
  /// add_address worked. What follows it in its list of actions may be done.
  void added();
  /// The operator's script put it on, some time after it was asked to: what there is to do then.
  actions added_by_script(mono_ns now);
  /// add_address failed, and with it the rest of its list; `by_script`: it was the operator's script that
  /// did.
  actions add_failed(mono_ns now, bool by_script = false);

  [[nodiscard]] bool holding() const { return holding_; }
  /// Held, and on the interface as far as we know. Nothing else is announced.
  [[nodiscard]] bool stands() const { return holding_ && stands_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] mono_ns deadline() const { return deadline_; }
  /// When tick() must be called next; nothing when only messages can change anything.
  [[nodiscard]] std::optional<mono_ns> next_deadline() const;

private:
  actions drop(guard_note why);
  void start_announcing(mono_ns now);
  void announce_due(mono_ns now, bool may, actions& out);

  guard_timing timing_;
  bool holding_ = false;
  bool stands_ = false;
  bool stood_ = false; ///< at some time of this hold
  bool link_usable_ = true;
  std::uint64_t epoch_ = 0;
  mono_ns deadline_ = 0;
  mono_ns renew_at_ = 0;
  mono_ns announce_began_ = 0;
  std::size_t announced_ = 0; ///< of the opening series
  mono_ns refresh_at_ = 0;
  mono_ns defend_after_ = 0;
  mono_ns restore_after_ = 0;
  bool restore_pending_ = false;
};

} // namespace holdfast::vip
