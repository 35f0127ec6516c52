// How a map compares keys, and what may be looked up in place of a key.
#pragma once

#include <type_traits>

namespace holdfast::pmap {

/// The default: keys compare by operator<, and a search takes a key.
/// A specialisation may name a cheaper type to search with, made once a search (see shared_string.hpp).
template <class Key>
struct key_traits {
  using probe = std::conditional_t<std::is_scalar_v<Key>, Key, const Key&>;
  static bool less(const Key& a, probe b) { return a < b; }
  static bool probe_less(probe a, const Key& b) { return a < b; }
};

} // namespace holdfast::pmap
