// Everything that can happen to the core. Each event carries the time it is handled at; time must not run
// backwards (an earlier time is taken as the latest one seen).
#pragma once

#include <raft/message.hpp>

namespace holdfast::raft {

namespace ev {

/// Nothing but time passes. Send one at least every heartbeat_interval / 4, and at `core::next_deadline`.
struct tick {};

struct receive {
  message msg;
};

/// Everything in the persist requests up to and including `sequence` is durable. Reported in order. After a
/// failed write report nothing: end the process.
struct persisted {
  std::uint64_t sequence = 0;
};

/// The host has applied the log up to here; lets the core drop entries from memory and hand out more.
struct applied {
  index_t index;
};

/// Outcome in `output::outcomes` under the same context.
struct propose {
  context_id context = 0;
  entry_kind kind = first_application_kind;
  payload_ptr payload;
};

/// Outcome in `output::reads`.
struct read {
  context_id context = 0;
};

/// Hand leadership to `target` (nil: the most caught-up voter). Refuses proposals meanwhile; gives up at
/// `deadline`. `lease_released`: the host has already let go of what the lease guards (the VIP is off), so
/// the successor need not wait the lease out. The core gives up its lease as soon as it takes the event.
struct transfer {
  context_id context = 0;
  node_id target;
  instant deadline;
  bool lease_released = false;
};

/// Outcome in `output::outcomes`: committed once the final configuration is.
struct change_members {
  context_id context = 0;
  membership_change change;
};

/// The transport's view of a peer. Refused: the peer's host actively refused the connection, so the process
/// is gone as far as the kernel there knows; anything less is `link_down`.
struct link_refused {
  node_id peer;
};
struct link_up {
  node_id peer;
};
struct link_down {
  node_id peer;
};

/// Answer to a log_read of the output. Entries start at `first`; fewer than asked is fine, none means they
/// are no longer there (compacted).
struct log_entries {
  node_id for_peer; ///< as in the request; nil: for applying
  index_t first;
  std::vector<entry> entries;
};

/// The host holds a snapshot of everything up to `index`, and its log starts at `log_first` (<= index + 1).
/// Replaces the previous one, which stays readable for transfers already running.
struct snapshot_available {
  snapshot_id id;
  index_t index;
  byte_count size;
  index_t log_first;
};

/// Receiver: this many bytes of the snapshot are stored. Also the answer to output::receive_snapshot (0 or
/// what is left of an interrupted transfer), and to every chunk, also one that does not fit what is stored.
struct snapshot_stored {
  snapshot_id id;
  byte_count stored;
};

/// Receiver: the snapshot of output::install_snapshot took the place of log and state, durably. `ok` false:
/// its content was bad and is thrown away; the transfer starts over.
struct snapshot_installed {
  snapshot_id id;
  bool ok = true;
};

/// Proof from the holder's own host that the holder of the lease of `term` is gone and what it guarded is
/// free. Frees that lease and no other; may come late, twice or never. The host checks that it is genuine, of
/// this cluster, and not of its own process.
struct release_ticket {
  term_t term;
};

/// The disk can (not) take more. Full counts like a stall: no leadership, no campaign, no acceptance of
/// entries.
struct disk_full {
  bool full = false;
};

} // namespace ev

using event_body = std::variant<ev::tick, ev::receive, ev::persisted, ev::applied, ev::propose, ev::read,
                                ev::transfer, ev::change_members, ev::link_refused, ev::link_up,
                                ev::link_down, ev::log_entries, ev::snapshot_available, ev::snapshot_stored,
                                ev::snapshot_installed, ev::release_ticket, ev::disk_full>;

struct event {
  instant now;
  event_body body;
};

} // namespace holdfast::raft
