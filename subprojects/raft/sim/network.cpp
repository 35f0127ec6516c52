#include "sim/network.hpp"

#include <algorithm>
#include <cassert>

namespace holdfast::raft::sim {

microseconds network::draw_delay() {
  if (random_.per_mille(options_.straggler_per_mille))
    return random_.between(options_.delay_high, options_.delay_high + options_.straggler_delay);
  return random_.between(options_.delay_low, options_.delay_high);
}

delivery network::send(std::size_t from, std::size_t to) {
  assert(from < max_nodes && to < max_nodes);
  delivery result;
  if (cut_[from][to] || random_.per_mille(options_.loss_per_mille))
    return result;
  result.copies = random_.per_mille(options_.duplicate_per_mille) ? 2 : 1;
  for (std::uint32_t i = 0; i < result.copies; ++i)
    result.delay[i] = draw_delay();
  return result;
}

void network::heal() {
  for (auto& row : cut_)
    row.fill(false);
}

void network::calm() {
  options_.loss_per_mille = 0;
  options_.duplicate_per_mille = 0;
  options_.straggler_per_mille = 0;
}

bool network::whole() const {
  return std::ranges::none_of(cut_,
                              [](const auto& row) { return std::ranges::find(row, true) != row.end(); });
}

void network::apply(shape kind, std::size_t nodes) {
  if (nodes < 2)
    return;
  const auto chosen = random_.below(nodes);
  const auto other = (chosen + 1 + random_.below(nodes - 1)) % nodes;
  std::array<bool, max_nodes> left{};
  for (std::size_t i = 0; i < nodes; ++i)
    left[i] = random_.per_mille(500);
  switch (kind) {
  case shape::isolate_node:
    for (std::size_t i = 0; i < nodes; ++i)
      if (i != chosen)
        cut_both(chosen, i);
    break;
  case shape::two_halves:
  case shape::bridge: // both halves still reach `chosen`, and only it
    for (std::size_t i = 0; i < nodes; ++i)
      for (std::size_t j = 0; j < nodes; ++j)
        if (left[i] != left[j] && (kind == shape::two_halves || (i != chosen && j != chosen)))
          cut(i, j);
    break;
  case shape::one_way:
  case shape::flapping_link: // the fault plan mends and cuts it again
    cut(chosen, other);
    break;
  case shape::one_way_node: // heard by all, hears nobody; or the other way round
    for (std::size_t i = 0; i < nodes; ++i)
      if (i != chosen)
        left[0] ? cut(chosen, i) : cut(i, chosen);
    break;
  case shape::ring: // everybody reaches two neighbours only
    for (std::size_t i = 0; i < nodes; ++i)
      for (std::size_t j = i + 2; j < nodes; ++j)
        if (!(i == 0 && j + 1 == nodes))
          cut_both(i, j);
    break;
  }
}

} // namespace holdfast::raft::sim
