// Nodes of the tree behind pmap::map. Not for direct use.
//
// A B+ tree of wide nodes: leaves hold the entries, inner nodes hold children and, between two children, a
// separator: a key not below anything left of it and not above anything right of it. All leaves have the same
// depth. A node with one reference belongs to its parent (or map) alone and may be changed in place; one with
// more is shared between versions and never changes again.
#pragma once

#include "pmap/key_traits.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace holdfast::pmap::detail {

/// Room for N values of which the owner keeps the first `count` alive.
template <class T, std::size_t N>
class slots {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_copy_constructible_v<T>,
                "a map holds cheap handles: copying one must not fail");

public:
  T* data() noexcept { return std::launder(reinterpret_cast<T*>(raw_)); }
  const T* data() const noexcept { return std::launder(reinterpret_cast<const T*>(raw_)); }
  T& operator[](std::size_t i) noexcept { return data()[i]; }
  const T& operator[](std::size_t i) const noexcept { return data()[i]; }

  void put(std::size_t i, T value) noexcept { new (raw_ + i * sizeof(T)) T(std::move(value)); }
  void insert(std::size_t count, std::size_t at, T value) noexcept {
    for (std::size_t i = count; i > at; --i)
      relocate(i - 1, i);
    put(at, std::move(value));
  }
  void remove(std::size_t count, std::size_t at) noexcept {
    std::destroy_at(data() + at);
    for (std::size_t i = at + 1; i < count; ++i)
      relocate(i, i - 1);
  }
  /// Moves `from[begin, end)` to the slots from `at` on; the source slots are dead afterwards.
  void take(slots& from, std::size_t begin, std::size_t end, std::size_t at) noexcept {
    for (std::size_t i = begin; i < end; ++i, ++at) {
      put(at, std::move(from[i]));
      std::destroy_at(from.data() + i);
    }
  }
  void copy(const slots& from, std::size_t count) noexcept {
    std::uninitialized_copy_n(from.data(), count, data());
  }
  void clear(std::size_t count) noexcept { std::destroy_n(data(), count); }

private:
  void relocate(std::size_t from, std::size_t to) noexcept {
    put(to, std::move(data()[from]));
    std::destroy_at(data() + from);
  }
  alignas(T) std::byte raw_[N * sizeof(T)];
};

struct node {
  explicit node(std::uint16_t of_level) noexcept : level(of_level) {}
  std::atomic<std::uint32_t> refs{1};
  std::uint16_t count = 0; ///< entries of a leaf, children of an inner node
  std::uint16_t level;     ///< 0: leaf

  /// The acquire pairs with the release of whoever gave up the other reference: its reads are over.
  [[nodiscard]] bool unique() const noexcept { return refs.load(std::memory_order_acquire) == 1; }
  void add_ref() noexcept { refs.fetch_add(1, std::memory_order_relaxed); }
  /// True: that was the last reference, and the caller must free the node.
  [[nodiscard]] bool drop_ref() noexcept {
    return unique() || refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
};

template <class Key, class Value, std::size_t N>
struct leaf : node {
  static constexpr std::size_t capacity = N;
  leaf() noexcept : node(0) {}
  ~leaf() {
    keys.clear(count);
    values.clear(count);
  }
  leaf(const leaf&) = delete;
  leaf& operator=(const leaf&) = delete;

  slots<Key, N> keys;
  slots<Value, N> values;
};

template <class Key, std::size_t N>
struct inner : node {
  static constexpr std::size_t capacity = N;
  explicit inner(std::uint16_t of_level) noexcept : node(of_level) {}
  /// Frees the separators; the references to the children are the business of whoever frees the node.
  ~inner() { keys.clear(separators()); }
  inner(const inner&) = delete;
  inner& operator=(const inner&) = delete;
  [[nodiscard]] std::size_t separators() const noexcept { return count == 0 ? 0 : count - 1U; }

  /// Puts `right` behind child `i`, with the separator between them. There must be room.
  void insert_child(std::size_t i, Key separator, node* right) noexcept {
    keys.insert(separators(), i, std::move(separator));
    children.insert(count, i + 1, right);
    ++count;
  }
  /// Forgets child `i` and one separator next to it; does not touch the child.
  void remove_child(std::size_t i) noexcept {
    if (count > 1)
      keys.remove(separators(), i == 0 ? 0 : i - 1);
    children.remove(count, i);
    --count;
  }

  slots<node*, N> children;
  slots<Key, N - 1> keys;
};

/// First position whose key is not below the probe.
template <class Key, std::size_t N>
std::size_t lower_bound(const slots<Key, N>& keys, std::size_t count, typename key_traits<Key>::probe probe) {
  std::size_t low = 0;
  while (count > 0) {
    const std::size_t half = count / 2;
    if (key_traits<Key>::less(keys[low + half], probe)) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

/// First position whose key is above the probe.
template <class Key, std::size_t N>
std::size_t upper_bound(const slots<Key, N>& keys, std::size_t count, typename key_traits<Key>::probe probe) {
  std::size_t low = 0;
  while (count > 0) {
    const std::size_t half = count / 2;
    if (!key_traits<Key>::probe_less(probe, keys[low + half])) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

} // namespace holdfast::pmap::detail
