// links: owns the peer network of this node. Follows the configuration in effect: one pair of diallers (log
// traffic, bulk) for each other member and, while there is a link for log traffic, one peer actor. A link
// that the other side dialled serves as well while there is none of this node's: the configuration here may
// be too old to name the caller, or its address. Everything here happens on the event loop's thread, which is
// also where net calls its observer.
#pragma once

#include "actors/peer/peer_actor.hpp"
#include "messages/vip.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::peer {

struct links_config {
  boost::asio::any_io_executor executor;
  runtime::directory_ptr directory;
  msg::consensus_actor consensus; ///< a relay: outlives restarts
  msg::vip_actor vip;             ///< a relay; may be null
  raft::limits limits;
};

/// What net reported, on its way from the observer's callback into the actor's mailbox.
struct link_event {
  enum class kind : std::uint8_t { up, down, dial_failed } what = kind::down;
  std::string peer;
  net::link_purpose purpose = net::link_purpose::raft;
  bool dialled = false; ///< by this node
  net::dial_trouble trouble = net::dial_trouble::network;
  net::peer_link_ptr link; ///< up
  std::string reason;
};
using link_event_ptr = std::shared_ptr<const link_event>;
using event_atom = caf::atom_constant<caf::atom("event")>;

} // namespace holdfast::peer

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holdfast::peer::link_event_ptr)

namespace holdfast::peer {

using leave_atom = caf::atom_constant<caf::atom("leave")>;
using links_self =
    msg::digest_links_actor::extend<caf::reacts_to<event_atom, link_event_ptr>,
                                    caf::reacts_to<leave_atom, std::string>,
                                    /// What a member (raft id) says it holds.
                                    caf::reacts_to<msg::handled_atom, std::string, std::uint64_t>>;

class links_impl final : public runtime::counting_actor<links_self::base> {
public:
  links_impl(caf::actor_config& cfg, runtime::card_ptr card, links_config config);
  ~links_impl() override;
  behavior_type make_behavior() override;

protected:
  void abandon() override;

private:
  class observer;
  struct member {
    raft::node_id id;
    std::string address; ///< dialled; empty: it calls, and is not called
    member_links_ptr links = std::make_shared<member_links>();
    std::unique_ptr<net::peer_dialler> raft_dialler;
    std::unique_ptr<net::peer_dialler> bulk_dialler;
    caf::actor face; ///< null while the link is down
    std::string trouble;
    bool refused = false; ///< msg::link_row, as handled
    std::uint64_t handled = 0;
    bool leaving = false; ///< removed; its link stays a while, so that it hears of that (REM-07)
  };

  /// To every member whose link is up.
  void spread(std::uint8_t frame, const std::string& body);
  std::string set_up(const msg::links_setup_ptr& setup);
  void stop();
  void follow(const msg::members_ptr& members);
  void dial_members();
  void part_with(const std::string& name);
  void forget(member& gone, const std::string& reason);
  static void stop_dialling(member& of);
  void on_event(const link_event& event);
  void link_up(member& of, const link_event& event);
  void link_down(member& of, const link_event& event);
  void raise_face(member& of);
  void drop_face(member& of, const std::string& reason);
  void face_ended(const caf::down_msg& down);
  [[nodiscard]] bool is_gone(raft::node_id id) const;
  [[nodiscard]] std::optional<std::string> admit(const std::string& peer) const;
  [[nodiscard]] std::vector<msg::link_row> rows() const;

  links_config config_;
  msg::links_setup_ptr setup_;
  std::unique_ptr<observer> observer_;
  std::unique_ptr<net::peer_network> network_;
  msg::members_ptr members_;
  std::uint64_t handled_ = 0;           ///< by this node
  std::map<std::string, member> table_; ///< by node id as text
};

} // namespace holdfast::peer
