// peer: the local face of one remote member while its link is up (architecture §2). It ends with a reason
// when the link is lost, so whoever monitors it hears of that as an ordinary down message; `links` makes the
// next one when the link is back. It never makes its sender wait: what the link cannot take is dropped, and
// consensus repeats itself.
#pragma once

#include "actors/peer/bulk_frame.hpp"
#include "messages/links.hpp"
#include "net/peer_link.hpp"
#include "runtime/counting_actor.hpp"

#include <memory>

namespace holdfast::peer {

/// The link this node dialled, and the one the other side did. Either carries frames both ways.
struct link_pair {
  net::peer_link_ptr dialled;
  net::peer_link_ptr accepted;
  /// The one to send on; null while none is up.
  [[nodiscard]] net::peer_link_ptr best() const {
    if (dialled && dialled->up())
      return dialled;
    return accepted && accepted->up() ? accepted : nullptr;
  }
};

/// The links to one member; kept by `links`, read by its peer actor. Loop thread alone.
struct member_links {
  link_pair raft;
  link_pair bulk;
};
using member_links_ptr = std::shared_ptr<member_links>;

class peer_impl final : public runtime::counting_actor<msg::peer_actor::base> {
public:
  peer_impl(caf::actor_config& cfg, runtime::card_ptr card, member_links_ptr links)
      : counting_actor(cfg, std::move(card)), links_(std::move(links)) {}

  behavior_type make_behavior() override {
    return {
        [this](msg::frame_atom, const msg::frame_ptr& frame) {
          if (const auto link = links_->raft.best())
            link->send(frame_raft, 0, *frame);
        },
        [this](msg::chunk_atom, const msg::snapshot_bytes_ptr& chunk) {
          if (const auto link = links_->bulk.best())
            link->send(frame_chunk, 0, encode_chunk(*chunk));
        },
    };
  }

protected:
  void abandon() override { links_.reset(); }

private:
  member_links_ptr links_;
};

} // namespace holdfast::peer
