#include "actors/replay/graveyard.hpp"

#include <utility>

namespace holdfast::replay {
namespace {

template <class Grave>
std::size_t dig(Grave& grave, std::size_t nodes) {
  return std::visit([nodes](auto& remains) { return remains.step(nodes); }, grave);
}

template <class Grave>
bool empty(const Grave& grave) {
  return std::visit([](const auto& remains) { return remains.done(); }, grave);
}

} // namespace

void graveyard::bury(store_state&& state) {
  std::vector<grave> found;
  if (!state.prefixes.shared()) {
    // A second handle on each table keeps the tables alive while the map of prefixes goes.
    state.prefixes.visit_all([&found](const pmap::shared_string&, const prefix_table& table) {
      if (!table.objects.empty() && !table.objects.shared())
        found.emplace_back(pmap::remains{object_map{table.objects}});
      return true;
    });
  }
  if (!state.answers.by_key.shared())
    found.emplace_back(pmap::remains{std::move(state.answers.by_key)});
  if (!state.answers.by_index.shared())
    found.emplace_back(pmap::remains{std::move(state.answers.by_index)});
  state.prefixes = {};
  std::size_t budget = direct_nodes;
  for (auto& one : found) {
    budget -= dig(one, budget);
    if (empty(one))
      continue;
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(one));
    any_.store(true, std::memory_order_release);
  }
}

bool graveyard::step(std::size_t nodes) {
  while (nodes > 0 && any_.load(std::memory_order_acquire)) {
    std::vector<grave> taken;
    {
      const std::lock_guard lock{mutex_};
      if (waiting_.empty())
        break;
      taken.push_back(std::move(waiting_.back()));
      waiting_.pop_back();
      any_.store(!waiting_.empty(), std::memory_order_release);
    }
    nodes -= dig(taken.back(), nodes);
    if (empty(taken.back()))
      continue;
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(taken.back()));
    any_.store(true, std::memory_order_release);
  }
  return any_.load(std::memory_order_acquire);
}

} // namespace holdfast::replay
