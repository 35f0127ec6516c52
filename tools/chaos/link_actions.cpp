#include "tools/chaos/link_actions.hpp"

namespace holdfast::chaos {

namespace {

void reshape(link_faults& links, const action& what, unsigned at) {
  auto rule = links.rule(at);
  (what.what == action_kind::delay ? rule.delay : rule.jitter) += what.time; // zero for the other two
  (what.what == action_kind::reorder ? rule.reorder : rule.duplicate) += what.amount;
  links.set_rule(at, rule);
}

} // namespace

void act_on_links(link_faults& links, const action& what, const std::vector<unsigned>& whom,
                  const std::vector<unsigned>& others) {
  for (const auto one : whom) {
    switch (what.what) {
    case action_kind::lose:
      links.lose(one, what.amount);
      break;
    case action_kind::reset:
      links.reset(one);
      break;
    case action_kind::cap:
      links.cap(one, what.amount);
      break;
    case action_kind::unplug:
      links.unplug(one);
      break;
    case action_kind::delay:
    case action_kind::jitter:
    case action_kind::reorder:
    case action_kind::duplicate:
      reshape(links, what, one);
      break;
    default:
      for (const auto other : others) {
        if (other == one)
          continue;
        links.block(one, other);
        if (what.what != action_kind::block)
          links.block(other, one);
      }
    }
  }
}

void divide(link_faults& links, const std::string& shape, const std::vector<unsigned>& all) {
  const auto size = all.size();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      bool sees = i == j;
      if (shape == "halves")
        sees = sees || (i < size / 2) == (j < size / 2);
      else if (shape == "ring")
        sees = sees || (i + 1) % size == j || (j + 1) % size == i;
      else // the first is the bridge between two groups
        sees = sees || i == 0 || j == 0 || (i <= size / 2) == (j <= size / 2);
      if (!sees)
        links.block(all[i], all[j]);
    }
  }
}

} // namespace holdfast::chaos
