// The small values of the log: strong types, typed errors, results. Standard library alone.
//
// No function of this library throws (out of memory aside); every failure is an `error` whose kind says what
// the caller may do. The library has no clock, no threads and no global state.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::wal {

using bytes = std::vector<std::byte>;
using byte_view = std::span<const std::byte>;

/// Position of an entry in the replicated log; 0 stands before the first entry.
struct log_index {
  std::uint64_t value = 0;
  auto operator<=>(const log_index&) const = default;
};

/// Election term of an entry; never goes down along the log.
struct log_term {
  std::uint64_t value = 0;
  auto operator<=>(const log_term&) const = default;
};

/// Number n of `base.<n>` and `log.<n>`; grows by one at each cut.
struct generation {
  std::uint64_t value = 0;
  auto operator<=>(const generation&) const = default;
};

/// Running CRC32C over every record since index 1: equal on two nodes at equal index when their entries are
/// equal.
struct chain_value {
  std::uint32_t value = 0;
  auto operator<=>(const chain_value&) const = default;
};

/// What the caller may do about a failure.
enum class error_kind : std::uint8_t {
  no_space, ///< the disk is full; nothing was written, try again once there is room
  io, ///< a write, sync, rename or directory sync failed: the object is poisoned, end the process (never
      ///< retry)
  poisoned,  ///< an earlier call met `io`; nothing was done
  corrupt,   ///< bytes on disk do not match their checksum (or could not be read); nothing was served
  invalid,   ///< the caller broke a precondition; nothing was done
  not_found, ///< no such file, generation or index here (any more)
  damaged,   ///< recovery found rot: no append before `log::discard_damage`
};

struct error {
  error_kind kind = error_kind::io;
  int system_error = 0; ///< errno of the call, 0 if none
  std::string what;     ///< for people: operation and file; never holds payload bytes
};

/// A value or an error. Ask `ok()` first: `value()` of an error and `failure()` of a value are undefined.
template <typename T>
class [[nodiscard]] result {
public:
  result(T v) : state_(std::in_place_index<0>, std::move(v)) {}
  result(error e) : state_(std::in_place_index<1>, std::move(e)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  T& value() noexcept { return *std::get_if<0>(&state_); }
  const T& value() const noexcept { return *std::get_if<0>(&state_); }
  T& operator*() noexcept { return value(); }
  const T& operator*() const noexcept { return value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }
  const error& failure() const noexcept { return *std::get_if<1>(&state_); }

private:
  std::variant<T, error> state_;
};

/// Success or an error.
class [[nodiscard]] status {
public:
  status() = default;
  status(error e) : state_(std::in_place_index<1>, std::move(e)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  const error& failure() const noexcept { return *std::get_if<1>(&state_); }

private:
  std::variant<std::monostate, error> state_;
};

/// An entry as the host hands it in. `kind` belongs to the host (any value); the log gives meaning to `cut`
/// alone: the entries after a record with `cut` go to the next generation's file.
struct record_view {
  log_index index;
  log_term term;
  std::uint8_t kind = 0;
  bool cut = false;
  byte_view payload; ///< at most log_options::max_payload_bytes
};

/// An entry read back; its checksum was verified.
struct record {
  log_index index;
  log_term term;
  std::uint8_t kind = 0;
  bool cut = false;
  bytes payload;
};

/// The highest index this node has surely synced, kept apart from the log (meta_pair) so that rot of
/// acknowledged entries is told from a torn tail. It may lag behind; it must never run ahead of a finished
/// sync.
struct synced_hint {
  log_index index;
  log_term term;
  bool operator==(const synced_hint&) const = default;
};

} // namespace holdfast::wal
