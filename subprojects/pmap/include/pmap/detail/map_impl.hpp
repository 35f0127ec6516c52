// The longer parts of pmap/map.hpp.
#pragma once

#include "pmap/map.hpp"

namespace holdfast::pmap {

template <class Key, class Value>
detail::node* map<Key, Value>::clone(const node& from) {
  if (from.level == 0) {
    const leaf& source = *as_leaf(&from);
    auto* made = new leaf;
    made->keys.copy(source.keys, source.count);
    made->values.copy(source.values, source.count);
    made->count = source.count;
    return made;
  }
  const inner& source = *as_inner(&from);
  auto* made = new inner(source.level);
  made->children.copy(source.children, source.count);
  made->keys.copy(source.keys, source.separators());
  made->count = source.count;
  for (std::size_t i = 0; i < made->count; ++i)
    made->children[i]->add_ref();
  return made;
}

/// Makes room in the full child `i` of a parent that has room. Keys that come in ascending order fill the
/// nodes: at the right edge of the tree everything stays on the left.
template <class Key, class Value>
void map<Key, Value>::split_child(inner& parent, std::size_t i, probe key, bool at_right_edge) {
  node* const child = parent.children[i];
  if (child->level == 0) {
    leaf& left = *as_leaf(child);
    const bool appends = at_right_edge && traits::less(left.keys[left.count - 1U], key);
    const std::size_t keep = appends ? left.count - 1U : left.count / 2U;
    auto* right = new leaf;
    right->keys.take(left.keys, keep, left.count, 0);
    right->values.take(left.values, keep, left.count, 0);
    right->count = static_cast<std::uint16_t>(left.count - keep);
    left.count = static_cast<std::uint16_t>(keep);
    parent.insert_child(i, right->keys[0], right);
    return;
  }
  inner& left = *as_inner(child);
  const bool appends = at_right_edge && !traits::probe_less(key, left.keys[left.separators() - 1]);
  const std::size_t keep = appends ? left.count - 1U : left.count / 2U;
  auto* right = new inner(left.level);
  right->children.take(left.children, keep, left.count, 0);
  right->keys.take(left.keys, keep, left.separators(), 0);
  right->count = static_cast<std::uint16_t>(left.count - keep);
  Key separator = left.keys[keep - 1];
  left.keys.remove(keep, keep - 1);
  left.count = static_cast<std::uint16_t>(keep);
  parent.insert_child(i, std::move(separator), right);
}

template <class Key, class Value>
void map<Key, Value>::insert_new(Key key, Value value) {
  if (root_ == nullptr)
    root_ = new leaf;
  unshare(root_);
  if (full(*root_)) {
    auto* above = new inner(static_cast<std::uint16_t>(root_->level + 1U));
    above->children.put(0, root_);
    above->count = 1;
    root_ = above;
  }
  bool right_edge = true;
  node* at = root_;
  while (at->level > 0) {
    inner& parent = *as_inner(at);
    std::size_t i = child_index(parent, key);
    unshare(parent.children[i]);
    if (full(*parent.children[i])) {
      split_child(parent, i, key, right_edge && i + 1U == parent.count);
      i = child_index(parent, key);
    }
    right_edge = right_edge && i + 1U == parent.count;
    at = parent.children[i];
  }
  leaf& home = *as_leaf(at);
  const std::size_t i = detail::lower_bound(home.keys, home.count, key);
  assert(!holds(home, i, key));
  home.keys.insert(home.count, i, std::move(key));
  home.values.insert(home.count, i, std::move(value));
  ++home.count;
  ++size_;
}

template <class Key, class Value>
bool map<Key, Value>::erase(probe key) {
  // First everything that may fail for want of memory: after this the path is ours alone.
  if (find(key) == nullptr || find_for_update(key) == nullptr)
    return false;
  constexpr std::size_t max_height = 24; // nodes keep several children on average: room for 4^24 entries
  assert(root_->level <= max_height);
  std::array<step, max_height> path{};
  std::size_t depth = 0;
  node* at = root_;
  while (at->level > 0) {
    inner* parent = as_inner(at);
    const std::size_t i = child_index(*parent, key);
    path[depth++] = {parent, i};
    at = parent->children[i];
  }
  leaf& home = *as_leaf(at);
  const std::size_t i = detail::lower_bound(home.keys, home.count, key);
  // The value leaves last: its destructor may run code that the tree must already be ready for.
  [[maybe_unused]] const Value gone = std::move(home.values[i]);
  home.keys.remove(home.count, i);
  home.values.remove(home.count, i);
  --home.count;
  --size_;
  while (depth > 0) {
    --depth;
    tidy(*path[depth].parent, path[depth].child);
  }
  while (root_->level > 0 && root_->count <= 1) {
    node* const only = root_->count == 0 ? nullptr : as_inner(root_)->children[0];
    free_node(root_, [](node*) {});
    root_ = only;
    if (root_ == nullptr)
      return true;
  }
  return true;
}

/// After child `i` lost something: drops it when empty, joins it with a neighbour when both are small. A
/// smaller node is only slower, never wrong, so a lack of memory here is no failure.
template <class Key, class Value>
void map<Key, Value>::tidy(inner& parent, std::size_t i) {
  node* const child = parent.children[i];
  if (child->count == 0) {
    parent.remove_child(i);
    free_node(child, [](node*) {});
    return;
  }
  constexpr std::size_t small = width / 4;
  constexpr std::size_t comfortable = width * 3 / 4;
  if (child->count >= small || parent.count < 2)
    return;
  const std::size_t left = i + 1U < parent.count ? i : i - 1U;
  if (parent.children[left]->count + parent.children[left + 1]->count > comfortable)
    return;
  try {
    unshare(parent.children[left]);
    unshare(parent.children[left + 1]);
  } catch (const std::bad_alloc&) {
    return;
  }
  merge(parent, left);
}

template <class Key, class Value>
void map<Key, Value>::merge(inner& parent, std::size_t left) {
  node* const into = parent.children[left];
  node* const from = parent.children[left + 1];
  if (into->level == 0) {
    as_leaf(into)->keys.take(as_leaf(from)->keys, 0, from->count, into->count);
    as_leaf(into)->values.take(as_leaf(from)->values, 0, from->count, into->count);
  } else {
    as_inner(into)->keys.put(into->count - 1U, parent.keys[left]);
    as_inner(into)->keys.take(as_inner(from)->keys, 0, as_inner(from)->separators(), into->count);
    as_inner(into)->children.take(as_inner(from)->children, 0, from->count, into->count);
  }
  into->count = static_cast<std::uint16_t>(into->count + from->count);
  from->count = 0;
  parent.remove_child(left + 1);
  free_node(from, [](node*) {});
}

template <class Key, class Value>
template <class Visitor>
bool map<Key, Value>::visit_node(const node* n, const probe* from, Visitor& visit) {
  if (n->level == 0) {
    const leaf& home = *as_leaf(n);
    for (std::size_t i = from == nullptr ? 0 : detail::lower_bound(home.keys, home.count, *from);
         i < home.count; ++i)
      if (!visit(home.keys[i], home.values[i]))
        return false;
    return true;
  }
  const inner& parent = *as_inner(n);
  for (std::size_t i = from == nullptr ? 0 : child_index(parent, *from); i < parent.count; ++i) {
    if (!visit_node(parent.children[i], from, visit))
      return false;
    from = nullptr;
  }
  return true;
}

template <class Key, class Value>
bool map<Key, Value>::check_node(const node* n, std::uint16_t level, const Key* low, const Key* high,
                                 std::size_t& seen) {
  if (n->level != level || n->count > width)
    return false;
  const auto in_order = [&](const auto& keys, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0 && !(keys[i - 1] < keys[i]))
        return false;
      if ((low != nullptr && keys[i] < *low) || (high != nullptr && !(keys[i] < *high)))
        return false;
    }
    return true;
  };
  if (level == 0) {
    seen += n->count;
    return in_order(as_leaf(n)->keys, n->count);
  }
  const inner& parent = *as_inner(n);
  if (parent.count == 0 || !in_order(parent.keys, parent.separators()))
    return false;
  for (std::size_t i = 0; i < parent.count; ++i) {
    const Key* from = i == 0 ? low : &parent.keys[i - 1];
    const Key* to = i + 1U == parent.count ? high : &parent.keys[i];
    if (!check_node(parent.children[i], static_cast<std::uint16_t>(level - 1), from, to, seen))
      return false;
  }
  return true;
}

template <class Key, class Value>
bool map<Key, Value>::well_formed() const {
  if (root_ == nullptr)
    return size_ == 0;
  std::size_t seen = 0;
  return check_node(root_, root_->level, nullptr, nullptr, seen) && seen == size_;
}

template <class Key, class Value>
bool map_builder<Key, Value>::append(Key key, Value value) {
  using leaf = typename map_type::leaf;
  if (!row_.empty()) {
    const leaf& last = *map_type::as_leaf(row_.back());
    if (!(last.keys[last.count - 1U] < key))
      return false;
  }
  if (row_.empty() || map_type::full(*row_.back())) {
    auto made = std::make_unique<leaf>();
    row_.push_back(made.get());
    static_cast<void>(made.release());
    lows_.push_back(key);
  }
  leaf& home = *map_type::as_leaf(row_.back());
  home.keys.put(home.count, std::move(key));
  home.values.put(home.count, std::move(value));
  ++home.count;
  ++size_;
  return true;
}

template <class Key, class Value>
void map_builder<Key, Value>::raise_level() {
  using inner = typename map_type::inner;
  constexpr std::size_t width = map_type::width;
  const std::size_t parents = (row_.size() + width - 1) / width;
  const auto level = static_cast<std::uint16_t>(row_.front()->level + 1U);
  std::vector<std::unique_ptr<inner>> made(parents);
  for (auto& slot : made)
    slot = std::make_unique<inner>(level);
  std::vector<detail::node*> above;
  std::vector<Key> lows;
  above.reserve(parents);
  lows.reserve(parents);
  for (std::size_t i = 0; i < row_.size(); ++i) {
    inner& parent = *made[i / width];
    if (parent.count == 0) {
      parent.children.put(0, row_[i]);
      parent.count = 1;
      lows.push_back(std::move(lows_[i]));
    } else {
      parent.insert_child(parent.count - 1U, std::move(lows_[i]), row_[i]);
    }
  }
  for (auto& slot : made)
    above.push_back(slot.release());
  row_ = std::move(above);
  lows_ = std::move(lows);
}

template <class Key, class Value>
map<Key, Value> map_builder<Key, Value>::finish() {
  while (row_.size() > 1)
    raise_level();
  map<Key, Value> built;
  if (!row_.empty())
    built.root_ = row_.front();
  built.size_ = std::exchange(size_, 0);
  row_.clear();
  lows_.clear();
  return built;
}

template <class Key, class Value>
std::size_t remains<Key, Value>::step(std::size_t nodes) noexcept {
  using map_type = map<Key, Value>;
  std::size_t given_up = 0;
  while (given_up < nodes && !stack_.empty()) {
    detail::node* n = stack_.back();
    stack_.pop_back();
    ++given_up;
    if (!n->drop_ref())
      continue;
    map_type::free_node(n, [this](detail::node* child) {
      try {
        stack_.push_back(child);
      } catch (...) {
        map_type::release(child);
      }
    });
  }
  return given_up;
}

} // namespace holdfast::pmap
