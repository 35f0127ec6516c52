#include "actors/peer/links_actor.hpp"

#include "messages/log_line.hpp"

#include <raft/codec.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace holdfast::peer {

namespace {

/// How long a removed member may still be told so.
constexpr auto farewell = std::chrono::seconds(5);

} // namespace

/// Called by net on the loop thread, outside any actor: it passes things on and decides nothing.
class links_impl::observer final : public net::peer_observer {
public:
  observer(caf::actor owner, msg::consensus_actor consensus, msg::vip_actor vip, raft::limits limits)
      : owner_(std::move(owner)), consensus_(std::move(consensus)), vip_(std::move(vip)), limits_(limits) {}

  void on_link_up(const net::peer_link_ptr& link) override {
    tell({link_event::kind::up, link->peer_id(), link->purpose(), link->dialled(), {}, link, {}});
  }

  void on_frame(net::peer_link& link, const net::peer_frame& frame) override {
    if (frame.type == frame_raft && link.purpose() == net::link_purpose::raft) {
      // A member speaks for itself alone, whatever its frame says.
      const auto sender = raft::peek_sender(frame.body);
      if (!sender || to_string(*sender) != link.peer_id()) {
        return link.close("a frame that names another sender");
      }
      caf::anon_send(consensus_, msg::frame_atom::value, std::make_shared<const std::string>(frame.body));
    } else if (frame.type == frame_chunk && link.purpose() == net::link_purpose::bulk) {
      auto chunk = decode_chunk(frame.body, limits_);
      if (!chunk) {
        return link.close("a malformed snapshot chunk");
      }
      caf::anon_send(consensus_, msg::chunk_atom::value,
                     std::make_shared<const msg::snapshot_bytes>(std::move(*chunk)));
    } else if (frame.type == frame_digest && frame.body.size() <= max_digest) {
      if (vip_)
        caf::anon_send(vip_, msg::digest_atom::value, link.peer_id(), std::string(frame.body));
    } else if (frame.type == frame_notice && frame.body.size() <= max_notice) {
      if (vip_)
        caf::anon_send(vip_, msg::notice_atom::value, link.peer_id(), std::string(frame.body));
    } else if (frame.type == frame_ticket && frame.body.size() <= max_ticket) {
      if (vip_)
        caf::anon_send(vip_, msg::ticket_atom::value, link.peer_id(), std::string(frame.body));
    } else if (frame.type == frame_handled) {
      if (const auto index = decode_handled(frame.body))
        caf::anon_send(owner_, msg::handled_atom::value, link.peer_id(), *index);
    } else {
      link.close("an unknown frame type");
    }
  }

  void on_link_down(net::peer_link& link, std::string_view reason) override {
    tell({link_event::kind::down,
          link.peer_id(),
          link.purpose(),
          link.dialled(),
          {},
          nullptr,
          std::string{reason}});
  }

  void on_dial_failed(const std::string& peer, net::link_purpose purpose, net::dial_trouble trouble,
                      const std::string& message) override {
    tell({link_event::kind::dial_failed, peer, purpose, true, trouble, nullptr, message});
  }

private:
  void tell(link_event event) {
    caf::anon_send(owner_, event_atom::value, std::make_shared<const link_event>(std::move(event)));
  }

  caf::actor owner_;
  msg::consensus_actor consensus_;
  msg::vip_actor vip_;
  raft::limits limits_;
};

links_impl::links_impl(caf::actor_config& cfg, runtime::card_ptr card, links_config config)
    : counting_actor(cfg, std::move(card)), config_(std::move(config)) {}

links_impl::~links_impl() = default;

links_impl::behavior_type links_impl::make_behavior() {
  set_down_handler([this](const caf::down_msg& down) { face_ended(down); });
  return {
      [this](msg::setup_atom, const msg::links_setup_ptr& setup) { return set_up(setup); },
      [this](msg::members_atom, const msg::members_ptr& members) { follow(members); },
      [this](msg::status_atom) { return rows(); },
      [this](msg::digest_atom, const std::string& bytes) { spread(frame_digest, bytes); },
      [this](msg::notice_atom, const std::string& bytes) { spread(frame_notice, bytes); },
      [this](msg::ticket_atom, const std::string& bytes) { spread(frame_ticket, bytes); },
      [this](msg::handled_atom, std::uint64_t index) {
        if (std::exchange(handled_, index) != index)
          spread(frame_handled, encode_handled(index));
      },
      [this](msg::handled_atom, const std::string& peer, std::uint64_t index) {
        if (const auto found = table_.find(peer); found != table_.end())
          found->second.handled = index;
      },
      [this](event_atom, const link_event_ptr& event) { on_event(*event); },
      [this](leave_atom, const std::string& name) {
        const auto found = table_.find(name);
        if (found != table_.end() && found->second.leaving)
          part_with(name);
      },
  };
}

std::string links_impl::set_up(const msg::links_setup_ptr& setup) {
  if (!setup) {
    stop();
    setup_.reset();
    return {};
  }
  try {
    if (network_ && setup->settings == setup_->settings) {
      network_->set_credentials(*setup->credentials);
      setup_ = setup;
      return {};
    }
    stop();
    observer_ = std::make_unique<observer>(caf::actor_cast<caf::actor>(address()), config_.consensus,
                                           config_.vip, config_.limits);
    network_ = std::make_unique<net::peer_network>(config_.executor, *setup->settings, *setup->credentials,
                                                   *observer_);
    network_->set_admission([this](const std::string& peer, net::link_purpose) { return admit(peer); });
    const auto bound = network_->listen();
    setup_ = setup;
    spdlog::info("{}", msg::log_line("links_listen").with("address", bound.text()).str());
  } catch (const std::exception& error) {
    stop();
    setup_.reset();
    return error.what();
  }
  dial_members();
  return {};
}

void links_impl::spread(std::uint8_t frame, const std::string& body) {
  for (auto& [name, of] : table_) {
    if (const auto link = of.links->raft.best())
      link->send(frame, 0, body);
  }
}

void links_impl::stop() {
  for (auto& [name, gone] : table_) {
    forget(gone, "the links are being set up anew");
  }
  table_.clear();
  network_.reset();
  observer_.reset();
}

void links_impl::follow(const msg::members_ptr& members) {
  members_ = members;
  // This may be the word of a consensus that was restarted: it hears its peers, and could not answer before
  // it is told of their faces.
  for (const auto& [name, known] : table_) {
    if (known.face)
      send(config_.consensus, msg::peer_atom::value, known.id,
           caf::actor_cast<caf::strong_actor_ptr>(known.face));
  }
  std::map<std::string, const msg::member_info*> wanted;
  for (const auto& info : members->members) {
    wanted.emplace(to_string(info.id), &info);
  }
  std::vector<std::string> parted;
  for (auto& [name, known] : table_) {
    const auto found = wanted.find(name);
    const bool listed = found != wanted.end();
    if (listed && found->second->address == known.address) {
      known.leaving = false;
    } else if (!listed && is_gone(known.id) && known.face) {
      if (!std::exchange(known.leaving, true))
        delayed_send(this, farewell, leave_atom::value, name);
    } else if (known.links->raft.accepted && !is_gone(known.id)) {
      stop_dialling(known); // the configuration here may be an old one, and the caller a member of the next
    } else {
      parted.push_back(name);
    }
  }
  for (const auto& name : parted)
    part_with(name);
  dial_members();
}

void links_impl::part_with(const std::string& name) {
  const auto found = table_.find(name);
  forget(found->second, "no longer a member at that address");
  if (network_) {
    network_->close_links([&name](const net::peer_link& link) { return link.peer_id() == name; },
                          "no longer a member at that address");
  }
  table_.erase(found);
}

void links_impl::dial_members() {
  if (!network_ || !members_ || members_->removed) {
    return;
  }
  for (const auto& info : members_->members) {
    const auto name = to_string(info.id);
    const auto known = table_.find(name);
    if (name == setup_->settings->node_id || info.address.empty() ||
        (known != table_.end() && known->second.raft_dialler))
      continue;
    std::string why;
    const auto where = net::parse_address(info.address, why);
    if (!where) {
      spdlog::error("{}", msg::log_line("member_address")
                              .with("member", name)
                              .with("address", info.address)
                              .with("reason", why)
                              .str());
      continue;
    }
    auto& made = table_[name];
    made.id = info.id;
    made.address = info.address;
    made.raft_dialler = network_->dial(name, *where, net::link_purpose::raft);
    made.bulk_dialler = network_->dial(name, *where, net::link_purpose::bulk);
  }
}

void links_impl::stop_dialling(member& of) {
  of.address.clear();
  of.raft_dialler.reset();
  of.bulk_dialler.reset();
}

void links_impl::forget(member& gone, const std::string& reason) {
  drop_face(gone, reason);
  stop_dialling(gone);
  *gone.links = {};
}

void links_impl::on_event(const link_event& event) {
  auto found = table_.find(event.peer);
  if (found == table_.end()) {
    // Nobody this node dials: a member that the configuration here does not name (yet), or not where it is
    // now. What it asks is answered on its own link, else that configuration would never come.
    const auto id = raft::parse_node_id(event.peer);
    if (event.what != link_event::kind::up || event.dialled || !id || !network_)
      return;
    found = table_.emplace(event.peer, member{}).first;
    found->second.id = *id;
  }
  auto& of = found->second;
  switch (event.what) {
  case link_event::kind::up:
    link_up(of, event);
    break;
  case link_event::kind::down:
    link_down(of, event);
    break;
  case link_event::kind::dial_failed:
    if (event.purpose != net::link_purpose::raft)
      break;
    of.trouble = event.reason;
    of.refused = event.trouble == net::dial_trouble::hello &&
                 event.reason.starts_with(net::to_string(net::hello_verdict::not_admitted));
    if (event.trouble == net::dial_trouble::refused)
      send(config_.consensus, msg::link_atom::value, of.id, msg::link_state::refused);
    break;
  }
  if (!of.raft_dialler && !of.links->raft.best() && !of.links->bulk.best())
    table_.erase(found); // a caller that is gone
}

void links_impl::link_up(member& of, const link_event& event) {
  const bool raft_link = event.purpose == net::link_purpose::raft;
  auto& pair = raft_link ? of.links->raft : of.links->bulk;
  (event.dialled ? pair.dialled : pair.accepted) = event.link;
  if (!raft_link || pair.best() != event.link)
    return;
  of.trouble.clear();
  of.refused = false;
  event.link->send(frame_handled, 0, encode_handled(handled_));
  raise_face(of);
}

void links_impl::link_down(member& of, const link_event& event) {
  const bool raft_link = event.purpose == net::link_purpose::raft;
  auto& pair = raft_link ? of.links->raft : of.links->bulk;
  auto& slot = event.dialled ? pair.dialled : pair.accepted;
  if (slot && slot->up())
    return; // the next link is up already
  slot.reset();
  if (!raft_link)
    return;
  if (!pair.best()) {
    of.trouble = event.reason;
    drop_face(of, event.reason);
  } else if (event.dialled) {
    raise_face(of); // what was under way on it is lost: the other one goes on
  }
}

void links_impl::raise_face(member& of) {
  if (!of.face) {
    const auto face = spawn<peer_impl, caf::monitored>(
        config_.directory->open("peer:" + to_string(of.id), "links"), of.links);
    of.face = caf::actor_cast<caf::actor>(face);
  }
  send(config_.consensus, msg::peer_atom::value, of.id, caf::actor_cast<caf::strong_actor_ptr>(of.face));
  send(config_.consensus, msg::link_atom::value, of.id, msg::link_state::up);
  spdlog::info("{}",
               msg::log_line("link_up").with("peer", to_string(of.id)).with("address", of.address).str());
}

void links_impl::drop_face(member& of, const std::string& reason) {
  if (!of.face) {
    return;
  }
  const auto face = std::exchange(of.face, nullptr);
  demonitor(face);
  send(config_.consensus, msg::peer_atom::value, of.id, caf::strong_actor_ptr{});
  send(config_.consensus, msg::link_atom::value, of.id, msg::link_state::down);
  send_exit(face, caf::make_error(caf::sec::remote_linking_failed, "the link was lost: " + reason));
  spdlog::warn("{}", msg::log_line("link_down")
                         .with("peer", to_string(of.id))
                         .with("address", of.address)
                         .with("reason", reason)
                         .str());
}

/// A face that ended by itself (killed through the console, or a fault in it): the link is fine, so the next
/// one stands at once.
void links_impl::face_ended(const caf::down_msg& down) {
  for (auto& [name, of] : table_) {
    if (of.face && of.face.address() == down.source) {
      of.face = nullptr;
      if (of.links->raft.best()) {
        config_.directory->open("peer:" + name, "links")->count_restart();
        raise_face(of);
      }
      return;
    }
  }
}

bool links_impl::is_gone(raft::node_id id) const {
  return members_ && std::find(members_->gone.begin(), members_->gone.end(), id) != members_->gone.end();
}

/// A root has vouched for it already. The configuration here may be an old one, so only who it says was
/// removed is refused: ids are never used twice (TLS-11, REM-07).
std::optional<std::string> links_impl::admit(const std::string& peer) const {
  const auto id = raft::parse_node_id(peer);
  const auto known = table_.find(peer);
  const bool leaving = known != table_.end() && known->second.leaving;
  if (id && (leaving || !is_gone(*id)))
    return std::nullopt;
  return "you are not a member of this cluster (any more)";
}

std::vector<msg::link_row> links_impl::rows() const {
  std::vector<msg::link_row> out;
  for (const auto& [name, of] : table_) {
    out.push_back({name, of.links->raft.best() != nullptr, of.links->bulk.best() != nullptr, of.trouble,
                   of.refused, of.handled});
  }
  return out;
}

void links_impl::abandon() {
  stop();
  config_.consensus = nullptr;
  config_.vip = nullptr;
}

} // namespace holdfast::peer
