// A persistent ordered map: copying it is O(1), and neither the copy nor the original ever sees what happens
// to the other. Changing a map that shares its tree copies the path to the change (a few nodes of up to 32
// entries) and shares the rest; changing one that shares nothing happens in place, at the speed of an
// ordinary map.
//
// Threads: as a std::map, one handle is used by one thread at a time; but handles that share a tree are
// independent, so one thread may change its map while others read, copy and drop theirs.
// Keys and values must be cheap handles whose copies cannot fail (numbers, shared pointers, shared_string).
// A key or probe given to a change must not refer into the map itself.
// Exceptions: std::bad_alloc from changes; the map then holds what it held before.
#pragma once

#include "pmap/detail/node.hpp"

#include <array>
#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace holdfast::pmap {

template <class Key, class Value>
class map_builder;
template <class Key, class Value>
class remains;

template <class Key, class Value>
class map {
public:
  static constexpr std::size_t width = 16;
  using traits = key_traits<Key>;
  using probe = typename traits::probe;

  map() noexcept = default;
  map(const map& other) noexcept : root_(other.root_), size_(other.size_) {
    if (root_ != nullptr)
      root_->add_ref();
  }
  map(map&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  map& operator=(map other) noexcept {
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    return *this;
  }
  /// Frees what no other map shares: O(1) to O(n). See remains for freeing in small steps.
  ~map() { release(root_); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Whether another handle or version holds the root too: then dropping this map frees nothing.
  [[nodiscard]] bool shared() const noexcept { return root_ != nullptr && !root_->unique(); }
  /// Whether both are the same version of one tree (then they are equal; unequal roots prove nothing).
  [[nodiscard]] bool same_root(const map& other) const noexcept { return root_ == other.root_; }

  /// The value, or null. Valid until this map changes or dies. O(log n).
  [[nodiscard]] const Value* find(probe key) const {
    const node* at = root_;
    if (at == nullptr)
      return nullptr;
    while (at->level > 0)
      at = as_inner(at)->children[child_index(*as_inner(at), key)];
    const std::size_t i = detail::lower_bound(as_leaf(at)->keys, at->count, key);
    return holds(*as_leaf(at), i, key) ? &as_leaf(at)->values[i] : nullptr;
  }

  /// The value for changing, or null. Valid until this map is copied, changes or dies. O(log n); copies the
  /// shared part of the path.
  [[nodiscard]] Value* find_for_update(probe key) {
    if (root_ == nullptr)
      return nullptr;
    node** at = &root_;
    for (unshare(*at); (*at)->level > 0; unshare(*at))
      at = &as_inner(*at)->children[child_index(*as_inner(*at), key)];
    leaf& found = *as_leaf(*at);
    const std::size_t i = detail::lower_bound(found.keys, found.count, key);
    return holds(found, i, key) ? &found.values[i] : nullptr;
  }

  /// True: inserted; false: the key was there and has the new value now.
  bool insert_or_assign(Key key, Value value) {
    if (Value* found = find_for_update(key); found != nullptr) {
      *found = std::move(value);
      return false;
    }
    insert_new(std::move(key), std::move(value));
    return true;
  }

  /// Inserts a key that must not be there. O(log n).
  void insert_new(Key key, Value value);

  /// Whether there was something to remove. O(log n).
  bool erase(probe key);

  /// Calls visit(key, value) in key order, from the first key not below `from`, until it returns false.
  /// The visitor must not change this map. Returns false when the visitor ended it.
  template <class Visitor>
  bool visit_from(probe from, Visitor&& visit) const {
    return root_ == nullptr || visit_node(root_, &from, visit);
  }
  /// The same over everything.
  template <class Visitor>
  bool visit_all(Visitor&& visit) const {
    return root_ == nullptr || visit_node(root_, nullptr, visit);
  }

  /// Checks the tree's own rules, for tests: order, separators, equal depth, counts. O(n).
  [[nodiscard]] bool well_formed() const;

private:
  friend class map_builder<Key, Value>;
  friend class remains<Key, Value>;
  using node = detail::node;
  using leaf = detail::leaf<Key, Value, width>;
  using inner = detail::inner<Key, width>;
  static_assert(std::is_nothrow_move_assignable_v<Value>);

  struct step {
    inner* parent;
    std::size_t child;
  };

  static leaf* as_leaf(node* n) noexcept { return static_cast<leaf*>(n); }
  static const leaf* as_leaf(const node* n) noexcept { return static_cast<const leaf*>(n); }
  static inner* as_inner(node* n) noexcept { return static_cast<inner*>(n); }
  static const inner* as_inner(const node* n) noexcept { return static_cast<const inner*>(n); }

  static std::size_t child_index(const inner& n, probe key) {
    return detail::upper_bound(n.keys, n.separators(), key);
  }
  static bool holds(const leaf& n, std::size_t i, probe key) {
    return i < n.count && !traits::probe_less(key, n.keys[i]);
  }
  static bool full(const node& n) noexcept { return n.count == width; }

  static void release(node* n) noexcept {
    if (n != nullptr && n->drop_ref())
      free_node(n, [](node* child) { release(child); });
  }
  /// Frees one node whose last reference is gone; `give_up` gets the children's references.
  template <class GiveUp>
  static void free_node(node* n, GiveUp give_up) noexcept {
    if (n->level == 0) {
      delete as_leaf(n);
      return;
    }
    inner* parent = as_inner(n);
    for (std::size_t i = 0; i < parent->count; ++i)
      give_up(parent->children[i]);
    delete parent;
  }

  static node* clone(const node& from);
  static void unshare(node*& slot) {
    if (slot->unique())
      return;
    node* own = clone(*slot);
    release(slot);
    slot = own;
  }

  void split_child(inner& parent, std::size_t i, probe key, bool at_right_edge);
  static void tidy(inner& parent, std::size_t i);
  static void merge(inner& parent, std::size_t left);

  template <class Visitor>
  static bool visit_node(const node* n, const probe* from, Visitor& visit);
  static bool check_node(const node* n, std::uint16_t level, const Key* low, const Key* high,
                         std::size_t& seen);

  node* root_ = nullptr;
  std::size_t size_ = 0;
};

/// Builds a map from keys that come in ascending order, in O(n) and with full nodes. After an exception it
/// may only be destroyed.
template <class Key, class Value>
class map_builder {
public:
  map_builder() = default;
  map_builder(const map_builder&) = delete;
  map_builder& operator=(const map_builder&) = delete;
  ~map_builder() {
    for (auto* n : row_)
      map_type::release(n);
  }

  /// False, and nothing is added: the key is not above the one before it.
  [[nodiscard]] bool append(Key key, Value value);
  /// The map; the builder is empty again.
  [[nodiscard]] map<Key, Value> finish();

private:
  using map_type = map<Key, Value>;
  void raise_level();
  std::vector<detail::node*> row_; ///< the nodes of the level that is being built
  std::vector<Key> lows_;          ///< the smallest key below each of them
  std::size_t size_ = 0;
};

/// A map on its way out, freed a few nodes at a time. Dropping it frees the rest at once.
template <class Key, class Value>
class remains {
public:
  explicit remains(map<Key, Value>&& dead) {
    if (dead.root_ != nullptr)
      stack_.push_back(dead.root_);
    dead.root_ = nullptr;
    dead.size_ = 0;
  }
  remains(remains&& other) noexcept : stack_(std::exchange(other.stack_, {})) {}
  remains& operator=(remains&& other) noexcept {
    std::swap(stack_, other.stack_);
    return *this;
  }
  ~remains() {
    for (auto* n : stack_)
      map<Key, Value>::release(n);
  }

  [[nodiscard]] bool done() const noexcept { return stack_.empty(); }
  /// Gives up at most `nodes` nodes; returns how many it was.
  std::size_t step(std::size_t nodes) noexcept;

private:
  std::vector<detail::node*> stack_;
};

} // namespace holdfast::pmap

#include "pmap/detail/map_impl.hpp"
