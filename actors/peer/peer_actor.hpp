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

/// The dialled links to one member; kept by `links`, read by its peer actor. Loop thread alone.
struct member_links {
  net::peer_link_ptr raft;
  net::peer_link_ptr bulk;
};
using member_links_ptr = std::shared_ptr<member_links>;

class peer_impl final : public runtime::counting_actor<msg::peer_actor::base> {
public:
  peer_impl(caf::actor_config& cfg, runtime::card_ptr card, member_links_ptr links)
      : counting_actor(cfg, std::move(card)), links_(std::move(links)) {}

  behavior_type make_behavior() override {
    return {
        [this](msg::frame_atom, const msg::frame_ptr& frame) {
          if (links_->raft) {
            links_->raft->send(frame_raft, 0, *frame);
          }
        },
        [this](msg::chunk_atom, const msg::snapshot_bytes_ptr& chunk) {
          if (links_->bulk) {
            links_->bulk->send(frame_chunk, 0, encode_chunk(*chunk));
          }
        },
    };
  }

protected:
  void abandon() override { links_.reset(); }

private:
  member_links_ptr links_;
};

} // namespace holdfast::peer
