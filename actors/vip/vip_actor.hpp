// vip: the first of the three that enforce the lease (architecture §7). Unpacks what consensus, the desk, the
// guard and the members say, asks vip_lease what follows, and passes that on.
#pragma once

#include "actors/vip/guard_link.hpp"
#include "actors/vip/ticket_book.hpp"
#include "actors/vip/ticket_listener.hpp"
#include "actors/vip/vip_lease.hpp"
#include "actors/vip/vip_notice.hpp"
#include "messages/vip.hpp"
#include "runtime/counting_actor.hpp"

#include <spdlog/common.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::vip {

using guard_message_ptr = std::shared_ptr<const to_daemon::message>;
using guard_atom = caf::atom_constant<caf::atom("guard")>;
using lost_atom = caf::atom_constant<caf::atom("lost")>;
using adopted_atom = caf::atom_constant<caf::atom("adopted")>;

} // namespace holdfast::vip

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::vip::guard_message_ptr)

namespace holdfast::vip {

/// The public interface and what the guard and the ticket's socket say.
using vip_self =
    msg::vip_actor::extend<caf::reacts_to<guard_atom, guard_message_ptr>,
                           caf::reacts_to<lost_atom, std::string>, caf::reacts_to<adopted_atom, std::string>,
                           caf::reacts_to<msg::ticket_atom, std::string>>;

struct vip_config {
  boost::asio::any_io_executor executor;
  std::shared_ptr<guard_link> guard;
  msg::lease_source_actor consensus; ///< relays
  msg::digest_links_actor links;
  msg::notice_sink_actor watchers;
};

class vip_impl final : public runtime::counting_actor<vip_self::base> {
public:
  vip_impl(caf::actor_config& cfg, runtime::card_ptr card, vip_config config);
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  using release_promise = caf::typed_response_promise<bool>;

  void set_up(const msg::vip_setup_ptr& setup);
  void listen_for_tickets(const std::string& address);
  void from_guard(const to_daemon::message& said);
  void on_note(const to_daemon::note& note);
  void on_ready(const to_daemon::ready& ready);
  void on_guard_lost(const std::string& why);
  /// Writes it down and tells the watchers.
  void report(spdlog::level::level_enum level, const char* line, vip_change what, std::uint64_t epoch,
              const std::string& detail);
  void tell_watchers(vip_change what, std::uint64_t epoch, const std::string& detail);
  /// To those connected here. `member`: raft id of where it happened.
  void pass_on(const std::string& member, const vip_notice& notice);
  void perform(const vip_lease::actions& todo);
  void leave_tickets(std::uint64_t epoch);
  void take_ticket(const std::string& bytes, const std::string& from);
  void take_digest(const std::string& peer, const std::string& bytes);
  void tick();
  void tell_fitness();
  [[nodiscard]] msg::vip_status status() const;

  vip_config config_;
  vip_lease rules_;
  msg::vip_setup setup_;
  bool set_up_ = false;
  std::shared_ptr<ticket_listener> tickets_;
  std::string tickets_at_;
  ticket_book book_;
  std::vector<release_promise> waiting_; ///< for the address to be off
  struct member_word {
    bool fit = false;
    mono_ns heard = 0;
  };
  std::map<std::string, member_word> members_;
  msg::vip_fitness told_;
  std::string digest_sent_;
  mono_ns repeated_at_ = 0;
  msg::vip_status counts_;
  mono_ns announced_at_ = 0;
  mono_ns conflict_at_ = 0;
  bool guard_died_ = false; ///< and its heir has not come yet
};

} // namespace holdfast::vip
