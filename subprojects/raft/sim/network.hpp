// The network between the simulated nodes: what happens to one message on its way.
//
// Links are directed, so one-way cuts are natural. Loss, duplication and delay are drawn for every message;
// reordering follows from the delays. Shapes are the cuts that real switches and bad cables make: a node
// alone, two halves, two halves that share one node (bridge), one direction gone, and links that flap.
#pragma once

#include "sim/clocks.hpp"
#include "sim/random.hpp"

#include <array>
#include <cstdint>

namespace holdfast::raft::sim {

/// Nodes are numbered by slots 0..max_nodes-1 in the simulator; a slot may see several node ids in its life.
inline constexpr std::size_t max_nodes = 16;

struct network_options {
  std::uint32_t loss_per_mille = 0;
  std::uint32_t duplicate_per_mille = 0;
  std::uint32_t straggler_per_mille = 0; ///< share of messages that take up to `straggler_delay`
  microseconds delay_low{100};
  microseconds delay_high{1000};
  microseconds straggler_delay{0};
};

enum class shape : std::uint8_t {
  isolate_node,
  two_halves,
  bridge,
  one_way,
  one_way_node,
  flapping_link,
  ring
};
inline constexpr std::uint8_t shape_count = 7;

/// Up to two copies of a message arrive, each after its own delay.
struct delivery {
  std::uint32_t copies = 0;
  std::array<microseconds, 2> delay{};
};

class network {
public:
  network(const network_options& options, random_source random) : options_(options), random_(random) {}

  /// Decides the fate of one message sent now.
  delivery send(std::size_t from, std::size_t to);

  bool open(std::size_t from, std::size_t to) const { return !cut_[from][to]; }
  void cut(std::size_t from, std::size_t to) { cut_[from][to] = true; }
  void cut_both(std::size_t a, std::size_t b) { cut_[a][b] = cut_[b][a] = true; }
  void mend(std::size_t from, std::size_t to) { cut_[from][to] = false; }
  void heal();

  /// Cuts links among the first `nodes` slots in the given shape; random choices come from this network's
  /// stream.
  void apply(shape kind, std::size_t nodes);

  /// The liveness phase keeps delays but loses and repeats nothing.
  void calm();

  bool whole() const;

private:
  microseconds draw_delay();

  network_options options_;
  random_source random_;
  std::array<std::array<bool, max_nodes>, max_nodes> cut_{};
};

} // namespace holdfast::raft::sim
