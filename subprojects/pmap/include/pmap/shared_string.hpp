// An immutable string that is copied by counting: a key for pmap::map. Sixteen bytes; its first eight
// characters travel with the handle, so most comparisons touch no other memory. Copies may live in different
// threads.
#pragma once

#include "pmap/key_traits.hpp"

#include <atomic>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::pmap {

/// The first eight bytes as a number whose order is the order of the bytes; short strings are padded with
/// zeros.
[[nodiscard]] inline std::uint64_t string_head(std::string_view text) noexcept {
  std::uint64_t head = 0;
  if (text.size() >= sizeof head) {
    std::memcpy(&head, text.data(), sizeof head);
    return std::endian::native == std::endian::little ? __builtin_bswap64(head) : head;
  }
  for (std::size_t i = 0; i < text.size(); ++i)
    head |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (56U - 8U * i);
  return head;
}

class shared_string {
public:
  shared_string() noexcept = default;
  /// One allocation, unless empty. Throws std::length_error above 4 GiB, std::bad_alloc.
  explicit shared_string(std::string_view text) : head_(string_head(text)), rep_(make(text)) {}
  shared_string(const shared_string& other) noexcept : head_(other.head_), rep_(other.rep_) {
    if (rep_ != nullptr)
      rep_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  shared_string(shared_string&& other) noexcept
      : head_(std::exchange(other.head_, 0)), rep_(std::exchange(other.rep_, nullptr)) {}
  shared_string& operator=(shared_string other) noexcept {
    std::swap(head_, other.head_);
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~shared_string() {
    if (rep_ != nullptr && rep_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      free_rep(rep_);
  }

  /// Valid as long as any copy of this string lives.
  [[nodiscard]] std::string_view view() const noexcept {
    return rep_ == nullptr ? std::string_view{} : std::string_view{chars(rep_), rep_->size};
  }
  [[nodiscard]] std::uint64_t head() const noexcept { return head_; }

  friend bool operator==(const shared_string& a, const shared_string& b) noexcept {
    return a.head_ == b.head_ && a.view() == b.view();
  }
  friend std::strong_ordering operator<=>(const shared_string& a, const shared_string& b) noexcept {
    return a.head_ != b.head_ ? a.head_ <=> b.head_ : a.view() <=> b.view();
  }

private:
  struct rep {
    std::atomic<std::uint32_t> refs;
    std::uint32_t size;
  };
  static const char* chars(const rep* r) noexcept { return reinterpret_cast<const char*>(r + 1); }

  static rep* make(std::string_view text) {
    if (text.empty())
      return nullptr;
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
      throw std::length_error("shared_string");
    void* memory = ::operator new(sizeof(rep) + text.size());
    rep* made = new (memory) rep{1, static_cast<std::uint32_t>(text.size())};
    std::memcpy(static_cast<char*>(memory) + sizeof(rep), text.data(), text.size());
    return made;
  }
  static void free_rep(rep* r) noexcept {
    r->~rep();
    ::operator delete(r);
  }

  std::uint64_t head_ = 0;
  rep* rep_ = nullptr;
};

/// What a map of shared_strings is searched with: any string, its head worked out once.
class string_probe {
public:
  string_probe(std::string_view text) noexcept : head_(string_head(text)), text_(text) {}
  string_probe(const std::string& text) noexcept : string_probe(std::string_view{text}) {}
  string_probe(const char* text) noexcept : string_probe(std::string_view{text}) {}
  string_probe(const shared_string& key) noexcept : head_(key.head()), text_(key.view()) {}
  [[nodiscard]] std::uint64_t head() const noexcept { return head_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
  std::uint64_t head_;
  std::string_view text_;
};

template <>
struct key_traits<shared_string> {
  using probe = string_probe;
  static bool less(const shared_string& a, probe b) noexcept {
    return a.head() != b.head() ? a.head() < b.head() : a.view() < b.text();
  }
  static bool probe_less(probe a, const shared_string& b) noexcept {
    return a.head() != b.head() ? a.head() < b.head() : a.text() < b.view();
  }
};

} // namespace holdfast::pmap
