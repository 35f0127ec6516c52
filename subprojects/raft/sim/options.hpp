// What one seed makes of a run (swarm testing): the seed draws the options too, so that every run stresses
// some few things hard instead of everything a little.
#pragma once

#include <raft/limits.hpp>

#include "sim/clocks.hpp"
#include "sim/network.hpp"

#include <cstdint>
#include <string>

namespace holdfast::raft::sim {

/// A fault that comes again and again; `mean` 0 switches it off. It lasts between the two bounds.
struct recurring {
  microseconds mean{0};
  microseconds shortest{0};
  microseconds longest{0};
};

struct disk_options {
  microseconds sync_low{200};
  microseconds sync_high{2000};
  std::uint32_t keep_all_per_mille = 300;  ///< crash: everything unsynced made it to the platter after all
  std::uint32_t keep_none_per_mille = 300; ///< crash: nothing of it did; otherwise a part
  std::uint32_t error_per_million = 0;     ///< one write or sync fails: the process ends
};

struct options {
  std::size_t voters = 3; ///< members at the start
  std::size_t spares = 2; ///< further slots that may join later
  std::size_t observers = 0;

  std::int64_t skew_ppm = 0; ///< each clock runs between -skew and +skew off
  network_options net;
  disk_options disk;

  limits lim;
  bool codec_on_wire = false; ///< every message goes through bytes and back

  recurring partition;
  recurring flap;
  recurring crash;
  recurring pause;
  recurring stall;
  recurring full;
  recurring rot;
  recurring membership;
  recurring transfer;
  recurring false_refusal; ///< a firewall refuses for a living process
  recurring lease_attack;  ///< everything at once that could let two hold the lease (nemesis_lease.cpp)
  std::uint32_t ticket_per_mille =
      500; ///< crashes after which the host releases what the lease guards, and says so
  std::uint32_t replay_per_mille = 0; ///< tickets that come again, once or more, at any later time
  bool founded_in_log = false;        ///< the first configuration is entry 1 of the log, not a snapshot
  bool idle_end = false;              ///< in the liveness phase no client but the probe writes

  microseconds apply_low{10};
  microseconds apply_high{200};
  std::uint64_t compact_every = 200; ///< entries between two snapshots of a node
  std::uint64_t compact_keep = 50;   ///< entries that stay behind a snapshot
  std::size_t snapshot_bytes = 4096;
  bool snapshots_aligned =
      true; ///< all nodes make theirs at the same indices, so equal snapshots have equal ids

  std::size_t clients = 4;
  microseconds think_low{20'000};
  microseconds think_high{200'000};
  microseconds client_timeout{1'500'000};
  std::uint32_t read_per_mille = 400;
  std::uint32_t retry_per_mille = 700; ///< an unknown write is repeated with the same idempotency key

  microseconds safety_phase{30'000'000};
  microseconds liveness_budget{20'000'000};

  std::string text() const;
};

/// All options from one seed.
options draw_options(std::uint64_t seed);

} // namespace holdfast::raft::sim
